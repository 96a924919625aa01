#include "actors/peer/newcomers.hpp"

#include "actors/peer/configuration_change.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using wire::Change;

constexpr ClusterId ours{77};
constexpr Term leading{4};

Member member(std::uint64_t id, std::string address = {}) {
  return {.id = {id},
          .name = "p" + std::to_string(id),
          .address = address.empty() ? "h" + std::to_string(id) + ":1" : std::move(address)};
}

/// A leader p1 with the voters p2 and p3 and the learner p4, each on a node of its own.
struct World {
  Plan plan{};
  Identities answers{};

  World() {
    plan.current = {.voters = {member(1), member(2), member(3)}, .learners = {member(4)}};
    plan.self = {1};
    plan.own_address = "h1:1";
    plan.own_node = 1001;
    plan.kind = "kv_store";
    plan.cluster = ours;
    plan.term = leading;
    for (const Member& each : plan.current.members())
      lives(each);
  }

  /// A peer that runs there, on a node of its own, unless the test changes it.
  wire::Identity& lives(const Member& member) {
    wire::Identity identity{.id = member.id,
                            .kind = "kv_store",
                            .running = true,
                            .address = member.address,
                            .node = 1000 + member.id.value,
                            .cluster = plan.current.has_member(member.id) ? ours : ClusterId{},
                            .term = leading,
                            .last = {9}};
    wire::Response response;
    response.body = identity;
    answers[full_name(member)] = response;
    return std::get<wire::Identity>(answers[full_name(member)].body);
  }
  void refuses(const Member& member, Refusal why) {
    answers[full_name(member)] = {.id = 0, .refusal = why, .detail = member.address, .body = {}};
  }

  void changes(Change change, const std::vector<Member>& members) {
    plan.change = change;
    plan.named.clear();
    std::vector<NamedMember> named;
    for (const Member& each : members) {
      named.push_back({.name = each.name, .address = each.address});
      plan.named.push_back(each.name);
    }
    plan.target = *changed(plan.current, {.members = {}, .change = change, .keep = {}}, named);
  }

  /// The id of the first member that has to be asked, or the refusal.
  std::string outcome() {
    const auto asked = members_to_ask(plan);
    REQUIRE_FALSE(asked.empty());
    const auto id = confirmed_id(*asked.front(), plan, answers);
    return id ? std::to_string(id->value) : std::string(name(id.refusal())) + " " + id.detail();
  }
  std::string outcome_of_adding(const Member& newcomer) {
    changes(Change::add_voter, {newcomer});
    return outcome();
  }

  std::vector<std::string> asked() const {
    std::vector<std::string> names;
    for (const FullName& question : questions(plan))
      names.push_back(to_text(question));
    return names;
  }
};

TEST_CASE("a newcomer is asked at its address, and with it the members that are there") {
  World world;
  world.changes(Change::add_voter, {member(9)});
  CHECK(world.asked() == std::vector<std::string>{"p9@h9:1"});
  world.changes(Change::add_voter, {member(9, "h3:1")});
  CHECK(world.asked() == std::vector<std::string>{"p9@h3:1", "p3@h3:1"});
  world.changes(Change::add_voter, {member(9, "h1:1")});
  CHECK(world.asked() == std::vector<std::string>{"p9@h1:1"});
}

TEST_CASE("a member that moves is asked at both addresses, a leader only at one that is not its") {
  World world;
  world.changes(Change::add_voter, {member(2, "elsewhere:1")});
  CHECK(world.asked() == std::vector<std::string>{"p2@elsewhere:1", "p2@h2:1"});
  world.changes(Change::replace, {member(1), member(2)});
  CHECK(world.asked() == std::vector<std::string>{"p2@h2:1"});
  world.changes(Change::replace, {member(1, "elsewhere:1")});
  CHECK(world.asked() == std::vector<std::string>{"p1@elsewhere:1"});
  world.changes(Change::promote, {member(4)});
  CHECK(world.asked() == std::vector<std::string>{"p4@h4:1"});
  world.changes(Change::remove, {member(2)});
  CHECK(world.asked().empty());
}

TEST_CASE("a newcomer that belongs to no cluster, or was a member of ours, is who it says") {
  World world;
  auto& p9 = world.lives(member(9));
  CHECK(world.outcome_of_adding(member(9)) == "9");
  p9.cluster = ours;
  CHECK(world.outcome_of_adding(member(9)) == "9");
}

TEST_CASE("a newcomer that cannot become a member is refused with the reason") {
  World world;
  auto& p9 = world.lives(member(9));
  SUBCASE("it belongs to another cluster") {
    p9.cluster = {5};
    CHECK(world.outcome_of_adding(member(9)) == "invalid p9@h9:1 belongs to another cluster");
  }
  SUBCASE("it is stopped") {
    p9.running = false;
    CHECK(world.outcome_of_adding(member(9)) == "no_peer p9@h9:1 is stopped");
  }
  SUBCASE("it is of another kind") {
    p9.kind = "lock";
    CHECK(world.outcome_of_adding(member(9)) == "invalid p9@h9:1 is a lock");
  }
  SUBCASE("its node has no such peer") {
    world.refuses(member(9), Refusal::no_peer);
    CHECK(world.outcome_of_adding(member(9)) == "no_peer p9@h9:1");
  }
  SUBCASE("nobody is there") {
    world.refuses(member(9), Refusal::unreachable);
    CHECK(world.outcome_of_adding(member(9)) == "unreachable h9:1");
  }
  SUBCASE("its node advertises the address of a member") {
    p9.address = "h1:1";
    CHECK(world.outcome_of_adding(member(9))
          == "invalid the node at h9:1 advertises the address of p1@h1:1");
  }
  SUBCASE("its address is that of a member that is gone") {
    (void)world.lives(member(9, "h3:1"));
    const std::string gone =
        "invalid h3:1 is the address of p3@h3:1, which is not there: remove that member first";
    world.refuses(member(3), Refusal::no_peer);
    CHECK(world.outcome_of_adding(member(9, "h3:1")) == gone);
    world.lives(member(3)).id = {33};
    CHECK(world.outcome_of_adding(member(9, "h3:1")) == gone);
  }
}

TEST_CASE("peers of one node may be members of one cluster, and the leader's node has the leader") {
  World world;
  for (const char* address : {"h3:1", "h1:1"}) {
    (void)world.lives(member(9, address));
    CHECK(world.outcome_of_adding(member(9, address)) == "9");
    CHECK(shared_addresses(world.plan.target) == std::vector<std::string>{address});
  }
  CHECK(shared_addresses(world.plan.current).empty());
}

TEST_CASE("a set that replaces another may name a new peer where a member was") {
  World world;
  (void)world.lives(member(9, "h3:1"));
  world.refuses(member(3), Refusal::no_peer);
  world.changes(Change::replace, {member(9, "h3:1"), member(1)});
  CHECK(world.outcome() == "9");
}

TEST_CASE("members of a cluster that is bootstrapped belong to none yet") {
  World world;
  world.plan.current = {};
  world.plan.cluster = {};
  world.plan.self = nobody;
  world.lives(member(1)).cluster = {};
  world.changes(Change::replace, {member(1)});
  CHECK(world.outcome() == "1");
  world.lives(member(1)).cluster = ours;
  CHECK(world.outcome() == "invalid p1@h1:1 belongs to another cluster");
}

TEST_CASE("a member that does not answer is who it was, unless it has to catch up") {
  World world;
  for (const Refusal silent : {Refusal::unreachable, Refusal::no_peer}) {
    world.refuses(member(2), silent);
    world.refuses(member(4), silent);
    CHECK(world.outcome_of_adding(member(2)) == "2");
    world.changes(Change::add_learner, {member(4)});
    CHECK(world.outcome() == "4");
    world.changes(Change::promote, {member(4)});
    CHECK(world.outcome() == (silent == Refusal::no_peer ? "no_peer p4@h4:1" : "unreachable h4:1"));
  }
  world.lives(member(4)).running = false;
  world.changes(Change::promote, {member(4)});
  CHECK(world.outcome() == "no_peer p4@h4:1 is stopped");
}

TEST_CASE("a member that moved is itself if nobody has it at its old address") {
  World world;
  const Member there = member(2, "elsewhere:1");
  (void)world.lives(there);
  for (const Refusal gone : {Refusal::unreachable, Refusal::no_peer}) {
    world.refuses(member(2), gone);
    CHECK(world.outcome_of_adding(there) == "2");
  }
  // Another peer of its name, or its own node under its old name.
  world.lives(member(2)).id = {22};
  CHECK(world.outcome_of_adding(there) == "2");
  world.lives(member(2)).node = 1002;
  CHECK(world.outcome_of_adding(there) == "2");
}

TEST_CASE("a copy of a member does not take its place while that lives") {
  World world;
  const Member copy = member(2, "elsewhere:1");
  world.lives(copy).node = 5000;
  CHECK(world.outcome_of_adding(copy)
        == "invalid p2@elsewhere:1 is a copy of p2@h2:1, whose node still has it");
  world.lives(member(2)).running = false;  // Its node could start it at any time.
  CHECK(world.outcome_of_adding(copy)
        == "invalid p2@elsewhere:1 is a copy of p2@h2:1, whose node still has it");
  const Member of_leader = member(1, "elsewhere:1");
  world.lives(of_leader).node = 5000;
  CHECK(world.outcome_of_adding(of_leader)
        == "invalid p1@elsewhere:1 is a copy of the leader, which is at h1:1");
  world.lives(of_leader).node = world.plan.own_node;
  CHECK(world.outcome_of_adding(of_leader) == "1");
}

TEST_CASE("a copy that has less than its member acknowledged is refused") {
  World world;
  const Member there = member(2, "elsewhere:1");
  world.refuses(member(2), Refusal::unreachable);
  world.plan.acknowledged[{2}] = {9};
  auto& copy = world.lives(there);
  CHECK(world.outcome_of_adding(there) == "2");
  copy.last = {8};
  CHECK(world.outcome_of_adding(there)
        == "invalid p2@elsewhere:1 has entries up to 8, but p2@h2:1 acknowledged 9: it is an older "
           "copy");
  // A leader of a later term may have cut what was never committed.
  copy.term = {5};
  CHECK(world.outcome_of_adding(there) == "2");
  copy.running = false;
  CHECK(world.outcome_of_adding(there) == "no_peer p2@elsewhere:1 is stopped");
}

}  // namespace
}  // namespace troupe::actors
