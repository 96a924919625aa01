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
