#include "actors/node/join.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <map>
#include <utility>

// The steps of joining, against nodes that say what the test wants them to.

namespace troupe::actors {
namespace {

constexpr const char* our_node = "127.0.0.1:4009";
constexpr const char* there = "127.0.0.1:4001";
constexpr PeerId ours{9};

Member member(std::uint64_t id, const std::string& address) {
  return {.id = {id}, .name = "p" + std::to_string(id), .address = address};
}

wire::Response refusal(Refusal why, std::string detail = {}) {
  return {.id = 0, .refusal = why, .detail = std::move(detail), .body = {}};
}

wire::PeerStatus leading(std::vector<Member> voters) {
  wire::PeerStatus status;
  status.name = "p1@127.0.0.1:4001";
  status.kind = "kv_store";
  status.role = Role::leader;
  status.leader = status.name;
  status.last = {{1}, {20}};
  status.configuration.voters = std::move(voters);
  status.cluster = {5};
  return status;
}

/// One node with peer p1 that leads, and ours, whose peer is empty.
struct World {
  std::map<std::string, wire::PeerStatus> peers{};  ///< By "name@address".
  std::map<std::string, std::vector<std::string>> names{{there, {"p1"}}};
  std::map<std::string, wire::Identity> identities{};  ///< By "name@address"; else ours.
  int starts = 0;
  std::deque<wire::Response> answers{};  ///< To changes; the last one again and again.
  std::vector<std::string> asked{};      ///< Changes: who was asked, what, and for whom.

  World() {
    peers["p1@127.0.0.1:4001"] = leading({member(1, there)});
    wire::PeerStatus empty;
    empty.kind = "kv_store";
    empty.last = {{1}, {7}};
    peers["p9@127.0.0.1:4009"] = empty;
  }

  wire::Response answer(const std::string& address, const wire::Request& request) {
    if (std::holds_alternative<wire::StartPeer>(request.body)) {
      ++starts;
      identities.clear();
      return refusal(Refusal::already_started);
    }
    if (const auto known = identities.find(request.peer + "@" + address);
        known != identities.end() && std::holds_alternative<wire::AskIdentity>(request.body))
      return {.id = 0, .refusal = {}, .detail = {}, .body = known->second};
    if (std::holds_alternative<wire::AskPeers>(request.body)) {
      if (!names.contains(address))
        return refusal(Refusal::unreachable, address);
      return {.id = 0, .refusal = {}, .detail = {}, .body = names.at(address)};
    }
    const auto peer = peers.find(request.peer + "@" + address);
    if (peer == peers.end())
      return refusal(Refusal::unreachable, address);
    if (std::holds_alternative<wire::AskIdentity>(request.body))
      return {.id = 0, .refusal = {}, .detail = {}, .body = wire::Identity{ours, "kv_store", true}};
    if (const auto* set = std::get_if<wire::SetConfiguration>(&request.body)) {
      asked.push_back(request.peer + " " + std::to_string(static_cast<int>(set->change)) + " "
                      + set->members.front());
      const wire::Response given = answers.empty() ? wire::Response{} : answers.front();
      if (answers.size() > 1)
        answers.pop_front();
      return given;
    }
    return {.id = 0, .refusal = {}, .detail = {}, .body = peer->second};
  }

  Join join(JoinSettings settings = {}) {
    if (settings.at.empty())
      settings.at = {there};
    settings.kind = "kv_store";
    settings.peer = "p9";
    return Join(settings, our_node,
                [this](const std::string& address, const wire::Request& request, Duration) {
                  return answer(address, request);
                });
  }

  /// Ours was at that address, and its node holds it back.
  void hold(const std::string& was_at) {
    identities["p9@127.0.0.1:4009"] = {
        .id = ours, .kind = "kv_store", .node = 90, .cluster = {5}, .term = {1}, .last = {7}};
    leader().configuration.voters = {member(1, there), member(9, was_at)};
    self().configuration = leader().configuration;
    self().cluster = {5};
  }

  wire::PeerStatus& leader() { return peers["p1@127.0.0.1:4001"]; }
  wire::PeerStatus& self() { return peers["p9@127.0.0.1:4009"]; }
};

using Kind = Join::Outcome::Kind;

std::string told(const Join::Outcome& outcome, Kind kind) {
  CHECK(outcome.kind == kind);
  return outcome.text;
}

TEST_CASE("a peer joins by asking the leader, as what it was told to be") {
  for (const auto& [rank, change] : {std::pair{Rank::voter, "1"}, std::pair{Rank::learner, "2"},
                                     std::pair{Rank::standby, "6"}}) {
    World world;
    Join join = world.join({.rank = rank});

    CHECK(told(join.attempt({}), Kind::done) == "joined as " + std::string(name(rank)));

    CHECK(world.asked
          == std::vector<std::string>{"p1 " + std::string(change) + " p9@127.0.0.1:4009"});
  }
}

TEST_CASE("a peer that only listens beside an earlier one of its name is not done") {
  World world;
  const Member earlier{.id = {3}, .name = "p9", .address = our_node};
  world.leader().configuration.voters.push_back(earlier);
  world.leader().configuration.learners.push_back(member(9, our_node));
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::done) == "joined as voter");

  CHECK(world.asked == std::vector<std::string>{"p1 1 p9@127.0.0.1:4009"});
}

TEST_CASE("a peer that is told of a follower finds the leader") {
  World world;
  world.peers["p2@127.0.0.1:4002"] = world.leader();
  world.peers["p2@127.0.0.1:4002"].role = Role::follower;
  world.names["127.0.0.1:4002"] = {"p2"};
  Join join = world.join({.at = {"127.0.0.1:4002"}});

  CHECK(told(join.attempt({}), Kind::done) == "joined as voter");

  CHECK(world.asked == std::vector<std::string>{"p1 1 p9@127.0.0.1:4009"});
}

TEST_CASE("when the node that we were told of is gone, the members that it named are asked") {
  World world;
  world.answers = {refusal(Refusal::unknown_outcome), {}};
  world.leader().configuration.voters.push_back(member(2, "127.0.0.1:4002"));
  Join join = world.join();
  CHECK(join.attempt({}).kind == Kind::again);

  world.names.clear();
  world.peers.erase("p1@127.0.0.1:4001");
  CHECK(told(join.attempt({}), Kind::again) == "nobody leads yet");
  world.peers["p2@127.0.0.1:4002"] = leading({member(1, there), member(2, "127.0.0.1:4002")});
  world.peers["p2@127.0.0.1:4002"].name = "p2@127.0.0.1:4002";

  CHECK(told(join.attempt({}), Kind::done) == "joined as voter");
  CHECK(world.asked.back() == "p2 1 p9@127.0.0.1:4009");
}

TEST_CASE("what passes is tried again, with longer and longer pauses") {
  World world;
  for (const Refusal refused :
       {Refusal::redirect, Refusal::election_in_progress, Refusal::configuration_in_progress,
        Refusal::busy, Refusal::unknown_outcome, Refusal::unreachable, Refusal::stopping})
    world.answers.push_back(refusal(refused));
  world.answers.push_back({});
  Join join = world.join();

  Duration pause{};
  for (int i = 0; i < 7; ++i) {
    const auto outcome = join.attempt({});
    CHECK(outcome.kind == Kind::again);
    CHECK(outcome.pause > pause);
    pause = outcome.pause;
  }

  CHECK(told(join.attempt({}), Kind::done) == "joined as voter");
}

TEST_CASE("while the peer catches up it is said how far it is") {
  World world;
  world.answers = {refusal(Refusal::timeout)};
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::again) == "caught up 7 of 20");
  world.leader().configuration.learners = {member(9, our_node)};
  world.leader().changing = true;
  world.self().last = {{1}, {15}};
  CHECK(told(join.attempt({}), Kind::again) == "caught up 15 of 20");
  world.leader().configuration = {.voters = {member(1, there), member(9, our_node)}};
  world.leader().changing = false;
  CHECK(told(join.attempt({}), Kind::done) == "joined as voter");

  CHECK(world.asked.size() == 1);
}

TEST_CASE("a newcomer that was given up asks again") {
  World world;
  world.answers = {refusal(Refusal::timeout), {}};
  Join join = world.join();
  CHECK(join.attempt({}).kind == Kind::again);

  CHECK(told(join.attempt({}), Kind::done) == "joined as voter");

  CHECK(world.asked.size() == 2);
}

TEST_CASE("who is a member already stays what it is") {
  World world;
  world.leader().configuration.standbys = {member(9, our_node)};
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::done) == "a member already: standby");

  CHECK(world.asked.empty());
}

TEST_CASE("a member goes on as one if nobody can be reached for a while") {
  World world;
  world.self().configuration.voters = {member(8, "127.0.0.1:4008"), member(9, our_node)};
  world.self().cluster = {5};
  world.peers.erase("p1@127.0.0.1:4001");
  world.names.clear();
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::again) == "127.0.0.1:4001 is not reachable");
  CHECK(told(join.attempt(std::chrono::seconds(1)), Kind::done) == "a member already: voter");
}

TEST_CASE("a member that moved has its address changed, whatever its rank") {
  World world;
  world.leader().configuration.learners = {member(9, "127.0.0.1:5555")};
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::done) == "joined as learner");

  CHECK(world.asked == std::vector<std::string>{"p1 2 p9@127.0.0.1:4009"});
}

TEST_CASE("a member that moved waits for a leader, which it also looks for where it was told") {
  World world;
  const Member old_leader = member(1, "127.0.0.1:5551");
  world.self().configuration.voters = {old_leader, member(9, "127.0.0.1:5559")};
  world.self().cluster = {5};
  world.leader().configuration = world.self().configuration;
  world.leader().role = Role::candidate;
  world.leader().leader = {};
  Join join = world.join({.at = {"127.0.0.1:4002", there}});
  CHECK(told(join.attempt(std::chrono::seconds(5)), Kind::again) == "nobody leads yet");

  world.leader().role = Role::leader;
  world.leader().name = full_name(old_leader);  // Which nobody can dial any more.
  world.answers = {{.id = 0, .refusal = {}, .detail = {}, .body = world.self().configuration}};

  CHECK(told(join.attempt(std::chrono::seconds(6)), Kind::done) == "joined as voter");
  CHECK(world.asked == std::vector<std::string>{"p1 1 p9@127.0.0.1:4009"});
}

TEST_CASE("a copy of a member that lives is not started at all") {
  World world;
  world.hold("127.0.0.1:5559");
  wire::Identity& twin = world.identities["p9@127.0.0.1:5559"];
  twin = world.identities["p9@127.0.0.1:4009"];
  twin.node = 91;
  SUBCASE("whether there is a leader or not") {}
  SUBCASE("or a follower that knows none") {
    world.leader().role = Role::follower;
  }
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::failed)
        == "p9 here is a copy of p9@127.0.0.1:5559, whose node still has it: start with an empty "
           "--data");
  CHECK(world.starts == 0);
}

TEST_CASE("an older copy of a member is not started at all") {
  World world;
  world.hold(our_node);
  world.leader().followers = {{.name = "p9@127.0.0.1:4009", .match = {8}}};
  world.leader().term = {1};
  Join join = world.join();

  const Join::Outcome outcome = join.attempt({});
  CHECK(told(outcome, Kind::failed)
        == "p9 has entries up to 7 here, but acknowledged 8: this is an older copy of its disk; "
           "start with --rebuild, which sets it aside");
  CHECK(outcome.old_disk);
  CHECK(world.starts == 0);
}

TEST_CASE("a member of another cluster is not started at all") {
  World world;
  world.hold(our_node);
  world.identities["p9@127.0.0.1:4009"].cluster = {6};
  Join join = world.join();

  CHECK(join.attempt({}).kind == Kind::failed);
  CHECK(world.starts == 0);
}

TEST_CASE("a member that nothing speaks against is started, and its own old address is no twin") {
  World world;
  for (const char* was_at : {our_node, "127.0.0.1:5559"}) {
    world.hold(was_at);
    world.identities["p9@127.0.0.1:5559"] = world.identities["p9@127.0.0.1:4009"];
    world.answers = {{.id = 0, .refusal = {}, .detail = {}, .body = world.leader().configuration}};
    Join join = world.join();
    CHECK(join.attempt({}).kind == Kind::done);
  }
  CHECK(world.starts == 2);
}

TEST_CASE("members whose nodes all start at once do not wait for each other") {
  World world;
  world.hold(our_node);
  world.peers.erase("p1@127.0.0.1:4001");
  world.identities["p1@127.0.0.1:4001"] = world.identities["p9@127.0.0.1:4009"];
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::again) == "nobody leads yet");
  CHECK(world.starts == 1);
}

TEST_CASE("a member that nobody answers is started after a while") {
  World world;
  world.hold(our_node);
  world.names.clear();
  Join join = world.join();
  CHECK(told(join.attempt({}), Kind::again) == "127.0.0.1:4001 is not reachable");
  CHECK(world.starts == 0);

  CHECK(join.attempt(std::chrono::seconds(1)).kind == Kind::done);
  CHECK(world.starts == 1);
}

TEST_CASE("a leader that moved has its own address changed by itself") {
  World world;
  world.names.clear();
  world.self() = leading({member(9, "127.0.0.1:5559")});
  world.self().name = "p9@127.0.0.1:5559";
  world.answers = {{.id = 0, .refusal = {}, .detail = {}, .body = world.self().configuration}};
  Join join = world.join();

  CHECK(told(join.attempt(std::chrono::seconds(5)), Kind::done) == "joined as voter");

  CHECK(world.asked == std::vector<std::string>{"p9 1 p9@127.0.0.1:4009"});
}

TEST_CASE("a peer whose disk was lost takes the place of its former self") {
  World world;
  Member former = member(3, our_node);
  former.name = "p9";
  world.leader().configuration.learners = {former};
  Join join = world.join();

  CHECK(told(join.attempt({}), Kind::done) == "joined as learner");

  CHECK(world.asked == std::vector<std::string>{"p1 2 p9@127.0.0.1:4009"});
}

TEST_CASE("what cannot become true is said at once") {
  World world;
  SUBCASE("the name is another's") {
    Member other = member(3, "127.0.0.1:5555");
    other.name = "p9";
    world.leader().configuration.learners = {other};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed) == "the name p9 is taken by p9@127.0.0.1:5555");
  }
  SUBCASE("no such kind is there") {
    world.leader().kind = "lock";
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed) == "no kv_store at 127.0.0.1:4001: p1 is a lock");
  }
  SUBCASE("several clusters are there") {
    world.names[there] = {"p1", "p2"};
    world.peers["p2@127.0.0.1:4001"] = world.leader();
    world.peers["p2@127.0.0.1:4001"].cluster = {6};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed)
          == "several clusters of kv_store at 127.0.0.1:4001: say --cluster with one of p1, p2");
    Join told_which = world.join({.cluster = "p1"});
    CHECK(told_which.attempt({}).kind == Kind::done);
    Join told_wrong = world.join({.cluster = "p5"});
    CHECK(told(told_wrong.attempt({}), Kind::failed) == "no peer p5 at 127.0.0.1:4001, but p1, p2");
  }
  SUBCASE("the peer belongs to another cluster") {
    world.self().cluster = {6};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed)
          == "p9 belongs to another cluster than p1@127.0.0.1:4001: to join that one, start with "
             "an empty --data");
  }
  SUBCASE("the peer is a voter of another cluster, alive or dead") {
    world.self().cluster = {6};
    world.self().configuration.voters = {member(8, "127.0.0.1:4008"), member(9, our_node)};
    SUBCASE("alive") {
      world.self().role = Role::leader;
      world.self().name = "p9@127.0.0.1:4009";
    }
    SUBCASE("dead") {}
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed)
          == "p9 belongs to another cluster than p1@127.0.0.1:4001: to join that one, start with "
             "an empty --data");
  }
  SUBCASE("the node that is named is our own, and has nobody else") {
    world.names[our_node] = {"p9"};
    Join join = world.join({.at = {our_node}});
    CHECK(told(join.attempt({}), Kind::failed)
          == "--join 127.0.0.1:4009 is this node itself: name a node of the cluster, or bootstrap "
             "one with set_configuration");
  }
  SUBCASE("another node answers at our address, without our peer") {
    world.answers = {refusal(Refusal::no_peer, "p9@127.0.0.1:4009")};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed)
          == "another node answers at 127.0.0.1:4009, which this node advertises");
  }
  SUBCASE("another node answers at our address, with a peer of our name") {
    Member twin = member(3, our_node);
    twin.name = "p9";
    world.answers = {{.id = 0,
                      .refusal = {},
                      .detail = {},
                      .body = Configuration{.voters = {member(1, there), twin}}}};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed)
          == "another node answers at 127.0.0.1:4009, which this node advertises");
  }
  SUBCASE("the disk is an older copy of that of a member") {
    for (const char* address : {our_node, "127.0.0.1:5555"}) {
      world.leader().configuration.voters = {member(1, there), member(9, address)};
      world.leader().followers = {{.name = full_name(member(9, address)), .match = {8}}};
      Join join = world.join();
      const Join::Outcome outcome = join.attempt({});
      const bool at_home = address == std::string(our_node);
      CHECK(told(outcome, Kind::failed)
            == std::string("p9 has entries up to 7 here, but acknowledged 8: this is an older copy "
                           "of its disk; start with ")
                   + (at_home ? "--rebuild, which sets it aside" : "an empty --data"));
      CHECK(outcome.old_disk == at_home);
    }
    CHECK(world.asked.empty());
  }
  SUBCASE("the leader will not have it") {
    world.answers = {refusal(Refusal::invalid, "no")};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::failed) == "p1@127.0.0.1:4001 says invalid no");
  }
}

TEST_CASE("what may become true is waited for") {
  World world;
  SUBCASE("the node") {
    world.names.clear();
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::again) == "127.0.0.1:4001 is not reachable");
  }
  SUBCASE("its peers, but not for ever") {
    world.names[there].clear();
    Join join = world.join();
    CHECK(told(join.attempt(std::chrono::seconds(5)), Kind::again)
          == "127.0.0.1:4001 has no peers yet");
    CHECK(told(join.attempt(std::chrono::seconds(64)), Kind::again)
          == "127.0.0.1:4001 has no peers yet");
    CHECK(told(join.attempt(std::chrono::seconds(65)), Kind::failed)
          == "127.0.0.1:4001 has no peers yet: bootstrap one there with start_peer and "
             "set_configuration");
  }
  SUBCASE("a cluster, but not for ever") {
    world.leader().configuration = {};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::again) == "127.0.0.1:4001 has no cluster of kv_store yet");
    CHECK(told(join.attempt(std::chrono::seconds(60)), Kind::failed)
          == "127.0.0.1:4001 has no cluster of kv_store yet: bootstrap one there with start_peer "
             "and set_configuration");
  }
  SUBCASE("a node that comes and goes is waited for anew") {
    world.leader().configuration = {};
    Join join = world.join();
    CHECK(join.attempt({}).kind == Kind::again);
    const auto names = std::exchange(world.names, {});
    CHECK(join.attempt(std::chrono::seconds(50)).kind == Kind::again);
    world.names = names;
    CHECK(join.attempt(std::chrono::seconds(61)).kind == Kind::again);
  }
  SUBCASE("a leader") {
    world.leader().role = Role::candidate;
    world.leader().leader = "";
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::again) == "nobody leads yet");
    world.leader().role = Role::leader;
    CHECK(told(join.attempt({}), Kind::done) == "joined as voter");
  }
  SUBCASE("a way from the leader to us") {
    world.answers = {refusal(Refusal::unreachable, our_node)};
    Join join = world.join();
    CHECK(told(join.attempt({}), Kind::again)
          == "p1@127.0.0.1:4001 cannot reach us at 127.0.0.1:4009");
  }
}

TEST_CASE("what belongs together is asked for together") {
  CHECK(problem(JoinSettings{}).empty());
  CHECK(problem(JoinSettings{.at = {there}, .kind = "kv_store", .peer = "p9"}).empty());
  CHECK(problem(JoinSettings{.at = {there}}) == "--join needs --peer KIND NAME");
  CHECK(problem(JoinSettings{.at = {there}, .kind = "k", .peer = "a b"})
        == "a b is no name of a peer");
  CHECK_FALSE(problem(JoinSettings{.kind = "kv_store", .peer = "p9"}).empty());
  CHECK_FALSE(problem(JoinSettings{.rebuild = true}).empty());
}

}  // namespace
}  // namespace troupe::actors
