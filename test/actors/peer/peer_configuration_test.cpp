#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using test::PeerStage;

/// A peer that belongs to no cluster.
struct Empty : PeerStage {
  Empty() : PeerStage(Recovered{}) {}

  /// Asks for a configuration, and answers what the peer then asks of the members' nodes.
  wire::Response set(std::vector<std::string> members, std::vector<wire::Response> answers) {
    request(wire::SetConfiguration{std::move(members)});
    still.run();
    if (!node->inquiries.empty())
      send_from_outside(peer, Inquired{node->inquiries.back().id, std::move(answers)});
    still.run();
    REQUIRE_FALSE(client->responses.empty());
    return client->responses.back();
  }
};

wire::Response identity(std::uint64_t id, std::string kind = "register") {
  wire::Response response;
  response.body = wire::Identity{{id}, std::move(kind), true};
  return response;
}

wire::Response refusal(Refusal why, std::string detail = {}) {
  wire::Response response;
  response.refusal = why;
  response.detail = std::move(detail);
  return response;
}

TEST_CASE("an empty peer founds a cluster of itself, and says so when that is committed") {
  Empty stage;

  const auto response = stage.set({"p1"}, {identity(1)});

  REQUIRE(response.refusal == Refusal::none);
  const auto& configuration = std::get<Configuration>(response.body);
  REQUIRE(configuration.voters.size() == 1);
  CHECK(full_name(configuration.voters[0]) == "p1@h1:1");
  CHECK(stage.disk.logs.at(test::us).hard_state.cluster != ClusterId{});
  CHECK(stage.ask(wire::SetConfiguration{{"p1@h1:1"}}).refusal == Refusal::none);
}

TEST_CASE("the nodes of the members are asked who their peers are") {
  Empty stage;

  stage.request(wire::SetConfiguration{{"p1", "p2@h2:1"}});
  stage.still.run();

  REQUIRE(stage.node->inquiries.size() == 1);
  const Inquire& inquire = stage.node->inquiries[0];
  REQUIRE(inquire.questions.size() == 2);
  CHECK(inquire.questions[0].address == "h1:1");
  CHECK(inquire.questions[0].request.peer == "p1");
  CHECK(inquire.questions[1].address == "h2:1");
  CHECK(inquire.questions[1].request.peer == "p2");
  CHECK(stage.ask(wire::SetConfiguration{{"p1"}}).refusal == Refusal::configuration_in_progress);
}

TEST_CASE("a configuration that makes no sense is refused without asking anyone") {
  Empty stage;

  CHECK(stage.ask(wire::SetConfiguration{{}}).refusal == Refusal::invalid);
  CHECK(stage.ask(wire::SetConfiguration{{"p1", "p 2@h:1"}}).refusal == Refusal::invalid);
  CHECK(stage.ask(wire::SetConfiguration{{"p1", "p2@h"}}).refusal == Refusal::invalid);
  CHECK(stage.ask(wire::SetConfiguration{{"p1", "p1@h2:1"}}).refusal == Refusal::invalid);
  CHECK(stage.ask(wire::SetConfiguration{{"p2@h2:1"}}).refusal
        == Refusal::must_be_in_consensus_group);
  CHECK(stage.node->inquiries.empty());
}

TEST_CASE("a member that is not what it should be leaves the peer empty") {
  Empty stage;
  const std::vector<std::string> members{"p1", "p2@h2:1"};

  const auto unreachable = stage.set(members, {identity(1), refusal(Refusal::unreachable, "h2:1")});
  const auto no_peer = stage.set(members, {identity(1), refusal(Refusal::no_peer)});
  const auto same = stage.set(members, {identity(1), identity(1)});
  const auto other_kind = stage.set(members, {identity(1), identity(2, "queue")});
  const auto not_us = stage.set(members, {identity(8), identity(9)});

  CHECK(unreachable.refusal == Refusal::unreachable);
  CHECK(unreachable.detail == "h2:1");
  CHECK(no_peer.refusal == Refusal::no_peer);
  CHECK(no_peer.detail == "p2@h2:1");
  CHECK(same.refusal == Refusal::invalid);
  CHECK(other_kind.refusal == Refusal::invalid);
  CHECK(not_us.refusal == Refusal::must_be_in_consensus_group);
  CHECK(stage.disk.logs[test::us].entries.empty());
}

TEST_CASE("a configuration that nobody votes for is answered with a timeout") {
  Empty stage;
  stage.request(wire::SetConfiguration{{"p1", "p2@h2:1"}});
  stage.still.run();
  send_from_outside(stage.peer,
                    Inquired{stage.node->inquiries.back().id, {identity(1), identity(2)}});

  stage.still.pass(3000ms);

  REQUIRE(stage.client->responses.size() == 1);
  CHECK(stage.client->responses[0].refusal == Refusal::timeout);
  CHECK_FALSE(stage.node->links.empty());
  CHECK(stage.node->links[0].address == "h2:1");
}

TEST_CASE("a leader asks a newcomer who it is, and has it catch up before it counts") {
  Empty stage;
  (void)stage.set({"p1"}, {identity(1)});
  stage.request(wire::SetConfiguration{{"p1", "p2@h2:1"}});
  stage.still.run();
  const Inquire inquire = stage.node->inquiries.back();
  REQUIRE(inquire.questions.size() == 1);
  CHECK(inquire.questions[0].address == "h2:1");
  CHECK(stage.ask(wire::SetConfiguration{{"p1"}}).refusal == Refusal::configuration_in_progress);
  stage.client->responses.clear();

  send_from_outside(stage.peer, Inquired{inquire.id, {identity(2)}});
  stage.still.run();

  const auto status = std::get<wire::PeerStatus>(stage.ask(wire::AskStatus{}).body);
  CHECK(status.configuration.voters.size() == 1);
  REQUIRE(status.configuration.learners.size() == 1);
  CHECK(status.configuration.learners[0].id == PeerId{2});
  CHECK(status.role == Role::leader);
}

TEST_CASE("a standby is a member at once, and a policy is in force when it is committed") {
  Empty stage;
  (void)stage.set({"p1"}, {identity(1)});
  stage.client->responses.clear();
  stage.node->inquiries.clear();
  stage.request(wire::SetConfiguration{{"p2@h2:1"}, wire::Change::add_standby, {}});
  stage.still.run();
  send_from_outside(stage.peer, Inquired{stage.node->inquiries.back().id, {identity(2)}});
  stage.still.run();

  REQUIRE(stage.client->responses.size() == 1);
  const auto added = std::get<Configuration>(stage.client->responses[0].body);
  REQUIRE(added.standbys.size() == 1);
  CHECK(full_name(added.standbys[0]) == "p2@h2:1");
  const VoterPolicy keep{.count = 1, .after = std::chrono::seconds(5)};
  const auto kept = stage.ask(wire::SetConfiguration{{}, wire::Change::keep_voters, keep});
  CHECK(std::get<Configuration>(kept.body).keep == keep);
}

TEST_CASE(
    "a member whose disk was lost gives way to the peer that runs in its place, in one step") {
  Empty stage;
  (void)stage.set({"p1"}, {identity(1)});
  const auto change = [&](wire::Change how, std::string member, wire::Response who) {
    stage.client->responses.clear();
    stage.node->inquiries.clear();
    stage.request(wire::SetConfiguration{{std::move(member)}, how, {}});
    stage.still.run();
    send_from_outside(stage.peer, Inquired{stage.node->inquiries.back().id, {std::move(who)}});
    stage.still.run();
    REQUIRE(stage.client->responses.size() == 1);
    return stage.client->responses[0];
  };
  REQUIRE(change(wire::Change::add_standby, "p2@h2:1", identity(2)).refusal == Refusal::none);

  const auto lost = change(wire::Change::add_standby, "p2@h2:1", identity(7));
  CHECK(std::get<Configuration>(lost.body).standbys
        == std::vector<Member>{{.id = {7}, .name = "p2", .address = "h2:1"}});
  const auto silent = change(wire::Change::add_standby, "p2@h2:1", refusal(Refusal::unreachable));
  CHECK(std::get<Configuration>(silent.body).standbys[0].id == PeerId{7});
  const auto moved = change(wire::Change::add_standby, "p2@h9:1", identity(7));
  CHECK(std::get<Configuration>(moved.body).standbys[0].address == "h9:1");
  const auto taken = change(wire::Change::add_standby, "p2@h8:1", identity(8));
  CHECK(taken.refusal == Refusal::invalid);
  CHECK(taken.detail == "p2 is the name of p2@h9:1");
  const auto nowhere = change(wire::Change::add_standby, "p2@h8:1", refusal(Refusal::unreachable));
  CHECK(nowhere.refusal == Refusal::unreachable);
}

TEST_CASE("a standby says who leads, and who is in the cluster, though it has no log") {
  Empty stage;
  Configuration configuration;
  configuration.voters = {test::member({2}), test::member({3})};
  configuration.standbys = {test::member(test::us)};

  stage.hear({2}, {2}, AppendRequest{.members = Bytes::copy_of(encode(configuration))});

  const auto status = std::get<wire::PeerStatus>(stage.ask(wire::AskStatus{}).body);
  CHECK(status.configuration == configuration);
  CHECK(status.leader == "p2@h2:1");
  CHECK(stage.ask(wire::SetConfiguration{{"p1"}}).detail == "p2@h2:1");
}

TEST_CASE("a change that a newcomer cannot take part in is refused at once, and blocks no other") {
  Empty stage;
  (void)stage.set({"p1"}, {identity(1)});
  auto stranger = identity(2);
  std::get<wire::Identity>(stranger.body).cluster = {5};

  const auto refused = stage.set({"p1", "p2@h2:1"}, {stranger});
  const auto added = stage.set({"p1"}, {});

  CHECK(refused.refusal == Refusal::invalid);
  CHECK(refused.detail == "p2@h2:1 belongs to another cluster");
  CHECK(added.refusal == Refusal::none);
}

TEST_CASE("a peer says who it is, where its node is, and how far its log reaches") {
  PeerStage stage(test::founded(3));

  const auto response = stage.ask(wire::AskIdentity{});

  const auto& identity = std::get<wire::Identity>(response.body);
  CHECK(identity.id == test::us);
  CHECK(identity.kind == "register");
  CHECK(identity.running);
  CHECK(identity.address == "h1:1");
  CHECK(identity.node == test::our_node);
  CHECK(identity.cluster == test::cluster);
  CHECK(identity.term == Term{1});
  CHECK(identity.last == Index{1});
}

/// The answers to the last search: peer 2 lives at the contact, and nobody anywhere else.
std::vector<wire::Response> second_is_at_contact(const Inquire& search) {
  std::vector<wire::Response> answers;
  for (const auto& question : search.questions) {
    if (question.address != test::contact || question.request.peer != "p2") {
      answers.push_back(refusal(Refusal::unreachable, question.address));
      continue;
    }
    answers.push_back(identity(2));
    std::get<wire::Identity>(answers.back().body).cluster = test::cluster;
  }
  return answers;
}

TEST_CASE("a peer without a leader looks for the members at the nodes that it was told of") {
  PeerStage stage(test::founded(3), {}, {test::contact});
  stage.still.run();
  REQUIRE(stage.node->inquiries.size() == 1);
  const Inquire search = stage.node->inquiries[0];
  CHECK(search.questions.size() == 4);  // Two members, where they were and at the contact.

  send_from_outside(stage.peer, Inquired{search.id, second_is_at_contact(search)});
  stage.still.run();
  REQUIRE(stage.node->links.size() == 3);
  CHECK(stage.node->links.back().address == test::contact);
  send_from_outside(stage.peer, LinkUp{test::contact, stage.second.actor});
  stage.still.pass(300ms);
  CHECK(stage.last_to_second<PreVoteRequest>() != nullptr);

  stage.still.pass(1000ms);  // Again, for as long as nobody leads.
  REQUIRE(stage.node->inquiries.size() == 2);
  send_from_outside(stage.peer, Inquired{stage.node->inquiries[1].id, {}});
  stage.hear({2}, {2},
             AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .entries = {}, .read = {}});
  stage.still.run();
  CHECK(std::get<wire::PeerStatus>(stage.ask(wire::AskStatus{}).body).leader == "p2@h2:1");
}

TEST_CASE("a peer that belongs to another cluster is not taken for a member by its id") {
  PeerStage stage(test::founded(3), {}, {test::contact});
  stage.still.run();
  REQUIRE(stage.node->inquiries.size() == 1);
  auto answers = second_is_at_contact(stage.node->inquiries[0]);
  for (auto& answer : answers)
    if (auto* who = std::get_if<wire::Identity>(&answer.body))
      who->cluster = {5};

  send_from_outside(stage.peer, Inquired{stage.node->inquiries[0].id, answers});
  stage.still.run();

  CHECK(stage.node->links.size() == 2);
}

TEST_CASE("a leadership that its target does not take over is answered as soon as it is given up") {
  PeerStage stage(test::founded(3));
  stage.lead();
  stage.request(wire::TransferLeadership{"p3@h3:1"});
  stage.still.run();
  CHECK(stage.client->responses.empty());

  for (int i = 0; i < 11; ++i) {
    stage.still.pass(30ms);
    stage.second_accepts();
  }

  REQUIRE(stage.client->responses.size() == 1);
  CHECK(stage.client->responses[0].refusal == Refusal::timeout);
  CHECK(stage.client->responses[0].detail == "it did not take over");
}

TEST_CASE("a peer that follows a leader sends set_configuration there") {
  PeerStage stage(test::founded(3));
  CHECK(stage.ask(wire::SetConfiguration{{"p1"}}).refusal == Refusal::election_in_progress);

  stage.hear({2}, {2},
             AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .entries = {}, .read = {}});
  const auto response = stage.ask(wire::SetConfiguration{{"p1"}});

  CHECK(response.refusal == Refusal::redirect);
  CHECK(response.detail == "p2@h2:1");
}

}  // namespace
}  // namespace troupe::actors
