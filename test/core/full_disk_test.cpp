#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

/// A leader of term 2 with two followers, who answer from disks that may be full.
struct Leader : Subject {
  Leader() {
    become_leader();
    lead_on({2, 3}, {});
    forget();
  }
  /// For long enough to know the others.
  void lead_on(std::initializer_list<std::uint64_t> peers,
               std::initializer_list<std::uint64_t> full) {
    for (const Time end = now + 500ms; now < end;) {
      tick(10ms);
      answer(peers, full);
    }
  }
  void answer(std::initializer_list<std::uint64_t> peers,
              std::initializer_list<std::uint64_t> full) {
    for (const std::uint64_t peer : peers) {
      const bool is_full = std::find(full.begin(), full.end(), peer) != full.end();
      receive(peer, 2,
              AppendResponse{.verdict = Accepted{engine.log().last().index}, .disk_full = is_full});
    }
  }
  void fill_disk() {
    engine.step(DiskFull{true});
    settle();
  }
  Refusal propose() {
    const Bytes payload = Bytes::copy_of("x");
    const auto proposed = engine.propose({&payload, 1});
    settle();
    return proposed.refusal();
  }
  /// The peer that it told to lead in its place, if any.
  PeerId successor() const {
    for (const Message& message : messages)
      if (std::holds_alternative<TimeoutNow>(message.body))
        return message.to;
    return nobody;
  }
};

TEST_CASE("a leader on a full disk hands over to one who has room") {
  Leader leader;
  leader.answer({2, 3}, {});
  leader.fill_disk();

  CHECK(leader.successor() != nobody);
  CHECK(leader.propose() == Refusal::election_in_progress);
  CHECK(leader.engine.view().disk_full);
}

TEST_CASE("a leader on a full disk hands over only if there is a quorum with room") {
  Leader leader;
  leader.answer({2, 3}, {2});
  leader.fill_disk();

  CHECK(leader.successor() == nobody);
  CHECK(leader.propose() == Refusal::no_space);

  leader.answer({2, 3}, {});
  leader.tick(10ms);
  leader.answer({2, 3}, {});

  CHECK(leader.successor() != nobody);
}

TEST_CASE("disks that fill up together do not pass the office around") {
  Leader leader;
  leader.fill_disk();
  REQUIRE(leader.successor() != nobody);
  // The successor's disk has filled up meanwhile. It was told nothing in its own term.
  leader.receive(2, 3, AppendRequest{.previous = {{2}, leader.engine.log().last().index}});
  leader.forget();

  leader.receive(2, 3, TimeoutNow{});
  leader.receive(2, 4, VoteResponse{.granted = true});
  REQUIRE(leader.role() == Role::leader);
  const auto pass = [&](int ticks) {
    for (int i = 0; i < ticks; ++i) {
      leader.tick(10ms);
      for (const std::uint64_t peer : {2u, 3u})
        leader.receive(peer, 4,
                       AppendResponse{.verdict = Accepted{leader.engine.log().last().index}});
    }
  };
  pass(20);

  CHECK(leader.successor() == nobody);
  CHECK(leader.propose() == Refusal::no_space);

  pass(20);

  CHECK(leader.successor() != nobody);
}

TEST_CASE("of those who could lead none with a full disk is chosen") {
  for (std::uint64_t full = 2; full <= 5; ++full) {
    Subject leader({}, {.term = {1}}, voters({1, 2, 3, 4, 5}));
    leader.become_pre_candidate();
    for (const std::uint64_t peer : {2u, 3u})
      leader.receive(peer, 1, PreVoteResponse{.granted = true, .asked = {2}});
    for (const std::uint64_t peer : {2u, 3u})
      leader.receive(peer, 2, VoteResponse{.granted = true});
    REQUIRE(leader.role() == Role::leader);
    const auto pass = [&](Duration time) {
      for (const Time end = leader.now + time; leader.now < end;) {
        leader.tick(10ms);
        for (const std::uint64_t peer : {2u, 3u, 4u, 5u})
          leader.receive(peer, 2,
                         AppendResponse{.verdict = Accepted{leader.engine.log().last().index},
                                        .disk_full = peer == full});
      }
    };
    pass(500ms);

    leader.step(DiskFull{true});

    CHECK(leader.engine.view().transfer_to != nobody);
    CHECK(leader.engine.view().transfer_to != PeerId{full});
  }
}

TEST_CASE("a leader whose disk is full answers those who wait before it hands over") {
  Leader leader;
  leader.instant_disk = false;
  REQUIRE(leader.propose() == Refusal::none);
  leader.fill_disk();

  CHECK(leader.successor() == nobody);

  leader.answer({2, 3}, {});

  CHECK(leader.commit() == leader.engine.log().last().index);
  CHECK(leader.successor() != nobody);
}

TEST_CASE("where all disks are full the leader stays, and refuses commands but no reads") {
  Leader leader;
  leader.answer({2, 3}, {2, 3});
  leader.fill_disk();
  leader.lead_on({2, 3}, {2, 3});

  CHECK(leader.role() == Role::leader);
  CHECK(leader.successor() == nobody);
  CHECK(leader.propose() == Refusal::no_space);
  CHECK(leader.engine.start_read());
}

TEST_CASE("a leader refuses what no quorum has room for, though its own disk has") {
  Leader leader;
  leader.answer({2}, {2});
  CHECK(leader.propose() == Refusal::none);

  leader.answer({2, 3}, {2, 3});

  CHECK(leader.propose() == Refusal::no_space);
}

TEST_CASE("who is silent is not counted among those who have room") {
  Leader leader;
  leader.answer({2}, {2});
  CHECK(leader.propose() == Refusal::none);
  leader.lead_on({2}, {2});

  CHECK(leader.role() == Role::leader);
  CHECK(leader.propose() == Refusal::no_space);
}

TEST_CASE("commands are taken again as soon as there is room") {
  Leader leader;
  leader.answer({2, 3}, {2, 3});
  leader.fill_disk();
  REQUIRE(leader.propose() == Refusal::no_space);

  leader.engine.step(DiskFull{false});
  CHECK(leader.propose() == Refusal::no_space);  // Here is room, and nowhere else.
  leader.answer({3}, {});

  CHECK(leader.propose() == Refusal::none);
}

TEST_CASE("a peer alone on a full disk leads on") {
  Subject peer({}, {.term = {1}, .voted_for = {1}}, voters({1}));
  peer.tick(1s);
  REQUIRE(peer.role() == Role::leader);
  peer.engine.step(DiskFull{true});
  const Bytes payload = Bytes::copy_of("x");

  CHECK(peer.engine.propose({&payload, 1}).refusal() == Refusal::no_space);
  CHECK(peer.engine.start_read());
  CHECK(peer.role() == Role::leader);
}

TEST_CASE("a follower says in every answer that its disk is full") {
  Subject follower;
  const auto ask = [&] {
    follower.forget();
    follower.receive(2, 2, AppendRequest{});
    const auto responses = follower.sent<AppendResponse>();
    REQUIRE(responses.size() == 1);
    return responses[0].disk_full;
  };
  CHECK_FALSE(ask());

  follower.engine.step(DiskFull{true});
  CHECK(ask());

  follower.engine.step(DiskFull{false});
  CHECK_FALSE(ask());
}

}  // namespace
}  // namespace troupe::test
