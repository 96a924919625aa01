#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t payload_bytes = 1000;
constexpr int rounds = 500;

/// What entries to `peer` weigh that left since the last call of `forget`, and how many messages.
struct Traffic {
  std::size_t bytes = 0;
  std::size_t messages = 0;
};
Traffic traffic_to(const Subject& leader, PeerId peer) {
  Traffic traffic;
  for (const Message& message : leader.messages)
    if (const auto* request = std::get_if<AppendRequest>(&message.body);
        request != nullptr && message.to == peer && !request->entries.empty()) {
      ++traffic.messages;
      for (const Entry& entry : request->entries)
        traffic.bytes += size_bytes(entry);
    }
  return traffic;
}

/// A leader of 2 and 3, who both have all there is. From then on peer 3 is deaf.
struct OneIsDeaf : Subject {
  OneIsDeaf() {
    become_leader();
    accept(2);
    accept(3);
    forget();
  }
  void accept(std::uint64_t peer) {
    receive(peer, 2, AppendResponse{.verdict = Accepted{engine.log().last().index}, .read = {}});
  }
  void write() {
    const Bytes payload = Bytes::copy_of(std::string(payload_bytes, 'x'));
    REQUIRE(engine.propose({&payload, 1}));
    settle();
  }
};

TEST_CASE("a follower that is deaf costs the others nothing, and its queue is bounded") {
  OneIsDeaf leader;
  for (int i = 0; i < rounds; ++i) {
    leader.tick(5ms);
    leader.write();
    leader.accept(2);
    REQUIRE(leader.commit() == leader.engine.log().last().index);
  }

  const EngineOptions limits = options();
  const FollowerView deaf = leader.engine.view().followers.at({3});
  CHECK(deaf.in_flight_bytes <= limits.window_bytes_max + limits.append_bytes_max);
  CHECK(traffic_to(leader, {3}).messages <= limits.window_messages_max);
  CHECK(traffic_to(leader, {2}).messages >= rounds);
  CHECK(leader.engine.view().followers.at({2}).in_flight_bytes == 0);
}

TEST_CASE("a follower that was deaf gets what it missed in few large messages") {
  OneIsDeaf leader;
  for (int i = 0; i < rounds; ++i) {
    leader.tick(5ms);
    leader.write();
    leader.accept(2);
  }
  leader.forget();
  const Index seen{leader.engine.view().followers.at({3}).next.value - 1};
  leader.receive(3, 2, AppendResponse{.verdict = Accepted{seen}, .read = {}});

  const Traffic traffic = traffic_to(leader, {3});
  CHECK(leader.engine.view().followers.at({3}).next == next(leader.engine.log().last().index));
  CHECK(traffic.bytes >= (rounds - options().window_messages_max) * payload_bytes);
  CHECK(traffic.messages <= 1 + traffic.bytes / (options().append_bytes_max - 2 * payload_bytes));
}

}  // namespace
}  // namespace troupe::test
