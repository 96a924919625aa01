/// Reads that must not be stale, at the actor: the ways in which others went wrong.

#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

#include <array>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using test::founded;
using test::PeerStage;

constexpr std::array never_stale{ReadLevel::linearizable, ReadLevel::lease};

void ask(PeerStage& stage, ReadLevel level, std::uint64_t id) {
  stage.call(wire::CallKind::query, level, {{id, Bytes::copy_of("?")}});
  stage.still.run();
}

bool answered(const PeerStage& stage, std::uint64_t id) {
  return std::ranges::any_of(stage.client->replies, [id](const wire::CallReply& reply) {
    return reply.id == id && reply.refusal == Refusal::none;
  });
}

TEST_CASE("a leader that has committed nothing of its own term answers no read") {
  for (const ReadLevel level : never_stale) {
    PeerStage stage(founded(3));
    stage.win_election();

    ask(stage, level, 1);

    CHECK_FALSE(answered(stage, 1));
    stage.second_accepts();
    ask(stage, level, 2);
    stage.second_accepts();
    CHECK(answered(stage, 2));
  }
}

TEST_CASE("an answer to a request that left before a read was asked for does not confirm it") {
  PeerStage stage(founded(3));
  const Term term = stage.lead();
  stage.still.pass(40ms);  // A heartbeat.
  const Message* sent = stage.last_to_second<AppendRequest>();
  REQUIRE(sent != nullptr);
  const auto before = std::get<AppendRequest>(sent->body);

  ask(stage, ReadLevel::linearizable, 1);
  stage.hear({2}, term, AppendResponse{Accepted{before.previous.index}, before.read});
  stage.still.run();
  CHECK_FALSE(answered(stage, 1));
  stage.second_accepts();

  CHECK(answered(stage, 1));
}

TEST_CASE("an answer of a later term confirms no read, and sends it elsewhere") {
  PeerStage stage(founded(3));
  const Term term = stage.lead();
  ask(stage, ReadLevel::linearizable, 1);
  const Message* sent = stage.last_to_second<AppendRequest>();
  REQUIRE(sent != nullptr);
  const auto request = std::get<AppendRequest>(sent->body);

  stage.hear({2}, {term.value + 1}, AppendResponse{Rejected{request.previous, {}}, request.read});
  stage.still.run();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::redirect);
}

std::uint64_t rounds(PeerStage& stage) {
  return std::get<wire::PeerStatus>(stage.ask(wire::AskStatus{}).body).read_rounds;
}

TEST_CASE("queries that come while two rounds are under way go with the next one together") {
  PeerStage stage(founded(3));
  stage.lead();
  const std::uint64_t before = rounds(stage);

  for (std::uint64_t id = 1; id <= 10; ++id)
    ask(stage, ReadLevel::linearizable, id);
  CHECK(rounds(stage) - before == 2);
  stage.second_accepts();
  CHECK(answered(stage, 1));
  CHECK(answered(stage, 2));
  CHECK_FALSE(answered(stage, 3));
  CHECK(rounds(stage) - before == 3);
  stage.second_accepts();

  for (std::uint64_t id = 3; id <= 10; ++id)
    CHECK(answered(stage, id));
  CHECK(rounds(stage) - before == 3);
}

TEST_CASE("a leader that nobody answers for an election timeout answers no read by lease") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.still.pass(160ms);  // Others may have elected someone.
  stage.client->replies.clear();

  for (const ReadLevel level : never_stale) {
    ask(stage, level, 1);
    CHECK_FALSE(answered(stage, 1));
  }
  stage.still.pass(300ms);
  CHECK_FALSE(answered(stage, 1));
  CHECK(stage.client->replies.size() == never_stale.size());  // Refused, not forgotten.
}

}  // namespace
}  // namespace troupe::actors
