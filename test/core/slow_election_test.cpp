#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

/// Voters 1, 2 and 3 in virtual time. Messages take a millisecond; each write takes `sync`, and one
/// is under way at a time on each disk.
struct SlowCluster {
  struct Peer {
    Engine engine;
    Time disk_free{};
    std::deque<std::pair<Time, WriteId>> writes{};
  };
  Time now{};
  Duration sync{};
  std::map<std::uint64_t, Peer> peers{};
  std::deque<std::pair<Time, Message>> flight{};  // In order: all take as long.

  SlowCluster(Duration write_takes, std::uint64_t seed) : sync(write_takes) {
    for (const std::uint64_t id : {1u, 2u, 3u}) {
      EngineOptions with = options({id});
      with.seed = seed * 10 + id;
      peers.emplace(
          id, Peer{Engine(with, Subject::recovered({}, {.term = {1}}, voters({1, 2, 3})), now)});
    }
  }
  void perform(Peer& peer) {
    while (peer.engine.has_output()) {
      Output out = peer.engine.take_output();
      if (out.write) {
        peer.disk_free = std::max(now, peer.disk_free) + sync;
        peer.writes.emplace_back(peer.disk_free, out.write->id);
      }
      for (Message& message : out.messages)
        flight.emplace_back(now + 1ms, std::move(message));
    }
  }
  bool has_leader() const {
    return std::ranges::any_of(
        peers, [](const auto& peer) { return peer.second.engine.role() == Role::leader; });
  }
  void run(Duration limit) {
    for (; now < limit && !has_leader(); now += 1ms) {
      for (auto& [id, peer] : peers) {
        peer.engine.step(Tick{now});
        for (; !peer.writes.empty() && peer.writes.front().first <= now; peer.writes.pop_front())
          peer.engine.step(Persisted{peer.writes.front().second});
        perform(peer);
      }
      for (; !flight.empty() && flight.front().first <= now; flight.pop_front()) {
        Peer& peer = peers.at(flight.front().second.to.value);
        peer.engine.step(flight.front().second);
        perform(peer);
      }
    }
  }
};

TEST_CASE("peers whose disks are as slow as an election timeout elect a leader all the same") {
  for (const Duration sync : {Duration(100ms), Duration(150ms), Duration(200ms), Duration(400ms)})
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      SlowCluster cluster(sync, seed);
      cluster.run(60s);
      CAPTURE(std::chrono::duration_cast<std::chrono::milliseconds>(sync).count());
      CAPTURE(seed);
      CHECK(cluster.has_leader());
    }
}

TEST_CASE("while a vote is being written nobody else is granted a pre-vote") {
  Subject peer;
  peer.instant_disk = false;
  peer.tick(400ms);  // Nobody is heard.
  peer.receive(2, 5, VoteRequest{.last = {{1}, {1}}});
  REQUIRE(peer.writes.size() == 1);
  const auto asks = [&] {
    peer.forget();
    peer.receive(3, 6, PreVoteRequest{.last = {{1}, {1}}});
    return peer.sent<PreVoteResponse>().at(0).granted;
  };
  CHECK_FALSE(asks());
  peer.persisted(1);
  CHECK(asks());
}

TEST_CASE("who is voted for has an election timeout from when the vote is durable") {
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 5, VoteRequest{.last = {{1}, {1}}});
  peer.tick(149ms);
  peer.persisted(1);
  peer.tick(149ms);
  CHECK(peer.role() == Role::follower);
  peer.tick(152ms);
  CHECK(peer.role() == Role::pre_candidate);
}

TEST_CASE("a refusal that comes late does not hide the pre-vote that was granted after it") {
  Subject asker({noop(1, 2)}, {.term = {1}}, voters({1, 2, 3, 4, 5}));
  asker.become_pre_candidate();
  // Peer 3 holds less, and has lost its leader, too: we ask again soon.
  asker.receive(3, 2, PreVoteRequest{.last = {{1}, {1}}});
  asker.forget();
  asker.tick(30ms);
  REQUIRE(asker.sent<PreVoteRequest>().size() == 4);

  // What peer 2 said to the first question, and then to the second.
  asker.receive(2, 1, PreVoteResponse{.granted = false, .asked = {2}});
  asker.receive(2, 1, PreVoteResponse{.granted = true, .asked = {2}});
  asker.receive(3, 1, PreVoteResponse{.granted = true, .asked = {2}});
  CHECK(asker.role() == Role::candidate);
}

}  // namespace
}  // namespace troupe::test
