#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <variant>

namespace troupe::actors::test {
namespace {

using namespace std::chrono_literals;

template <class T>
const T* find(const Ear& ear) {
  for (const Message& message : ear->messages)
    if (const auto* body = std::get_if<T>(&message.body))
      return body;
  return nullptr;
}

/// A follower of peer 2 that stood still for `time`: its timers are due, and nothing has run.
struct Starved {
  PeerStage stage{founded(3)};

  explicit Starved(std::chrono::milliseconds time) {
    stage.connect();
    heartbeat();
    stage.still.run();
    stage.second->messages.clear();
    stage.still.scheduler->clock().advance_time(time);
  }
  void heartbeat() { stage.hear({2}, {1}, AppendRequest{.previous = {{1}, {1}}, .commit = {1}}); }
};

TEST_CASE("a peer that stood still reads what waits before it campaigns") {
  Starved starved(500ms);
  starved.heartbeat();  // Behind the timer.
  starved.stage.still.run();

  CHECK(find<PreVoteRequest>(starved.stage.second) == nullptr);
  CHECK(find<AppendResponse>(starved.stage.second) != nullptr);
}

TEST_CASE("a peer that stood still, and has nothing to read, campaigns at once") {
  Starved starved(500ms);
  starved.stage.still.run();

  CHECK(find<PreVoteRequest>(starved.stage.second) != nullptr);
}

TEST_CASE("a pre-vote is not granted while the leader's word waits behind the question") {
  Starved starved(155ms);
  starved.stage.hear({3}, {2}, PreVoteRequest{.last = {{1}, {1}}});
  starved.heartbeat();
  starved.stage.still.run();

  const auto* answer = find<PreVoteResponse>(starved.stage.third);
  REQUIRE(answer != nullptr);
  CHECK_FALSE(answer->granted);
}

TEST_CASE("a pre-vote is granted if the leader is silent") {
  Starved starved(155ms);
  starved.stage.hear({3}, {2}, PreVoteRequest{.last = {{1}, {1}}});
  starved.stage.still.run();

  const auto* answer = find<PreVoteResponse>(starved.stage.third);
  REQUIRE(answer != nullptr);
  CHECK(answer->granted);
}

}  // namespace
}  // namespace troupe::actors::test
