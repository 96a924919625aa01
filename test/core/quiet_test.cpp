#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace troupe::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Followers are heard this often.
constexpr Duration beat = milliseconds(100);

/// The leader of term 2, whose followers hold all it has.
struct Settled : Subject {
  explicit Settled(const Configuration& configuration = voters({1, 2, 3}))
      : Subject({}, {.term = {1}}, configuration) {
    become_leader();
    all_accept(false);
    forget();
  }

  Index last() const { return engine.log().last().index; }
  void accept(std::uint64_t from, bool quiet, Time sent_at) {
    AppendResponse response{.verdict = Accepted{last()}, .sent_at = sent_at, .quiet = quiet};
    receive(from, term().value, response);
  }
  void all_accept(bool quiet) {
    for (const Member& member : engine.configuration().members())
      if (member.id != self)
        accept(member.id.value, quiet, now);
  }
  /// One more step, and its heartbeats are the last.
  void almost_fall_asleep() {
    for (Duration passed = beat; passed < options().quiet_after; passed += beat) {
      tick(beat);
      all_accept(false);
    }
    forget();
  }
  void fall_asleep() {
    almost_fall_asleep();
    tick(beat);
    all_accept(true);
    REQUIRE(engine.is_quiet());
    forget();
  }
};

AppendRequest last_word(Index last) {
  return {.previous = {{2}, last}, .commit = last, .quiet = true};
}

TEST_CASE("a leader asks nobody to be quiet before it had nothing to do for `quiet_after`") {
  Settled leader;

  leader.almost_fall_asleep();
  leader.tick(beat - milliseconds(1));
  CHECK_FALSE(leader.sent<AppendRequest>().front().quiet);
  leader.forget();
  leader.tick(options().heartbeat_interval);

  CHECK(leader.sent<AppendRequest>().front().quiet);
}

TEST_CASE(
    "a leader is quiet when its last follower says so, and asks again after `quiet_interval`") {
  Settled leader;
  leader.almost_fall_asleep();
  leader.tick(beat);

  leader.accept(2, true, leader.now);
  CHECK_FALSE(leader.engine.is_quiet());
  leader.accept(3, true, leader.now);

  CHECK(leader.engine.is_quiet());
  CHECK(leader.engine.next_deadline() == leader.now + options().quiet_interval);
  leader.forget();
  leader.tick(options().quiet_interval - milliseconds(1));
  CHECK(leader.messages.empty());
  leader.tick(milliseconds(1));
  const auto asked = leader.sent<AppendRequest>();
  CHECK(asked.size() == 2);
  CHECK(std::ranges::all_of(asked, &AppendRequest::quiet));
}

TEST_CASE("an answer to what was asked before there was something to do lets nobody sleep") {
  Settled leader;
  leader.almost_fall_asleep();
  leader.tick(beat);
  const Time asked = leader.now;
  leader.accept(2, true, asked);
  leader.tick(milliseconds(1));
  REQUIRE(leader.engine.start_read());  // Wakes all, and is confirmed by who answers.
  leader.settle();
  leader.receive(2, 2, AppendResponse{.verdict = Accepted{leader.last()}, .read = {1}});

  leader.accept(2, true, asked);
  leader.accept(3, true, asked);

  CHECK_FALSE(leader.engine.is_quiet());
}

TEST_CASE("a leader whose follower cannot be heard, or misses something, is not quiet") {
  Settled leader;
  for (Time until = leader.now + 2 * options().quiet_after; leader.now < until;) {
    leader.tick(beat);
    leader.accept(2, true, leader.now);
  }

  CHECK_FALSE(leader.sent<AppendRequest>().back().quiet);
  CHECK_FALSE(leader.engine.is_quiet());
}

TEST_CASE("whatever is asked of a quiet leader wakes it, and it speaks at once") {
  Settled leader;
  leader.fall_asleep();

  SUBCASE("a command") {
    CHECK(leader.engine.propose(std::vector{Bytes::copy_of("x")}));
  }
  SUBCASE("a read, which a lease that is over does not answer") {
    CHECK(leader.engine.lease_until() == std::nullopt);
    CHECK(leader.engine.start_read(ReadLevel::lease));
    CHECK(leader.reads.empty());
  }
  SUBCASE("a transfer") {
    CHECK(leader.engine.transfer(nobody));
  }
  SUBCASE("a change") {
    CHECK(leader.engine.change_configuration(voters({1, 2})));
  }
  SUBCASE("a pre-vote") {
    leader.receive(3, 3, PreVoteRequest{.last = leader.engine.log().last()});
  }
  SUBCASE("a follower's node that is not heard") {
    leader.step(Silent{{2}});
  }
  SUBCASE("a lost connection") {
    leader.step(Disconnected{{2}});
  }
  SUBCASE("a follower that is not quiet") {
    leader.accept(2, false, {});
  }
  SUBCASE("a full disk") {
    leader.step(DiskFull{true});
  }
  leader.settle();

  CHECK_FALSE(leader.engine.is_quiet());
  CHECK(leader.role() == Role::leader);
  CHECK(leader.sent<AppendRequest>().size() == 2);
  CHECK(leader.engine.next_deadline() <= leader.now + options().heartbeat_interval);
}

TEST_CASE("a leader that wakes gives its followers an election timeout to answer (§6.2)") {
  Settled leader;
  leader.fall_asleep();
  leader.tick(seconds(20));
  leader.step(Silent{{2}});

  leader.tick(options().election_timeout_max - milliseconds(1));
  CHECK(leader.role() == Role::leader);
  leader.tick(milliseconds(1));

  CHECK(leader.role() == Role::follower);
}

TEST_CASE("a follower that holds all there is stops waiting, and refuses votes meanwhile") {
  Subject peer({noop(2, 2)}, {.term = {2}});
  const Index last{2};
  peer.receive(2, 2, last_word(last));
  REQUIRE(peer.engine.is_quiet());
  CHECK(peer.sent<AppendResponse>().back().quiet);
  peer.forget();

  peer.tick(seconds(60));
  CHECK(peer.messages.empty());
  peer.receive(3, 3, PreVoteRequest{.last = {{2}, last}});

  CHECK_FALSE(peer.sent<PreVoteResponse>().back().granted);
  CHECK_FALSE(peer.engine.is_quiet());
  CHECK(peer.engine.next_deadline() <= peer.now + options().election_timeout_max);
}

TEST_CASE("who is no member wakes nobody by asking for a pre-vote, and is refused (§4.2.3)") {
  SUBCASE("a leader") {
    Settled leader;
    leader.fall_asleep();
    leader.receive(4, 3, PreVoteRequest{.last = leader.engine.log().last()});

    CHECK(leader.engine.is_quiet());
    REQUIRE(leader.sent<PreVoteResponse>().size() == 1);
    CHECK_FALSE(leader.sent<PreVoteResponse>().back().granted);
  }
  SUBCASE("a follower") {
    Subject peer({noop(2, 2)}, {.term = {2}});
    peer.receive(2, 2, last_word({2}));
    peer.receive(4, 3, PreVoteRequest{.last = {{9}, {9}}});

    CHECK(peer.engine.is_quiet());
    REQUIRE(peer.sent<PreVoteResponse>().size() == 1);
    CHECK_FALSE(peer.sent<PreVoteResponse>().back().granted);
  }
}

TEST_CASE("who was added wakes a follower by asking for a pre-vote as any other member does") {
  Subject peer({noop(2, 2)}, {.term = {2}});
  const Configuration with_4 = voters({1, 2, 3, 4});
  peer.receive(2, 2, last_word({2}));
  peer.receive(4, 3, PreVoteRequest{.last = {{2}, {2}}});
  REQUIRE(peer.engine.is_quiet());
  Entry added{.id = {{2}, {3}},
              .kind = EntryKind::configuration,
              .payload = Bytes::copy_of(encode(with_4))};
  peer.receive(2, 2, AppendRequest{.previous = {{2}, {2}}, .commit = {2}, .entries = {added}});
  peer.receive(2, 2, last_word({3}));
  peer.settle();
  peer.receive(2, 2, last_word({3}));
  REQUIRE(peer.engine.is_quiet());

  peer.receive(4, 3, PreVoteRequest{.last = {{2}, {3}}});

  CHECK_FALSE(peer.engine.is_quiet());
}

TEST_CASE("a follower stays awake that has more, less, or that nobody knows to be committed") {
  Subject peer({noop(2, 2), command(2, 3)}, {.term = {2}});
  AppendRequest request = last_word({3});
  SUBCASE("more") {
    request = last_word({2});
  }
  SUBCASE("not all is committed") {
    request.commit = {2};
  }
  SUBCASE("the leader goes on") {
    request.quiet = false;
  }
  SUBCASE("its disk is full") {
    peer.step(DiskFull{true});
  }
  peer.receive(2, 2, request);

  CHECK_FALSE(peer.engine.is_quiet());
  CHECK_FALSE(peer.sent<AppendResponse>().back().quiet);
}

TEST_CASE("a follower that is told of its leader's silence waits for one election timeout") {
  Subject peer({noop(2, 2)}, {.term = {2}});
  peer.receive(2, 2, last_word({2}));
  peer.tick(seconds(10));

  peer.step(Silent{{3}});
  CHECK(peer.engine.is_quiet());
  peer.step(Silent{{2}});

  CHECK_FALSE(peer.engine.is_quiet());
  CHECK(peer.engine.next_deadline() >= peer.now + options().election_timeout_min);
  CHECK(peer.engine.next_deadline() < peer.now + options().election_timeout_max);
}

TEST_CASE("a quiet follower whose disk fills up says so unasked") {
  Subject peer({noop(2, 2)}, {.term = {2}});
  peer.receive(2, 2, last_word({2}));
  peer.forget();

  peer.step(DiskFull{true});

  REQUIRE(peer.sent<AppendResponse>().size() == 1);
  CHECK(peer.sent<AppendResponse>().back().disk_full);
  CHECK(peer.accepted() == Index{2});
  CHECK_FALSE(peer.engine.is_quiet());
}

TEST_CASE("a leader with too few voters by its policy stays awake") {
  Configuration policed = voters({1, 2, 3});
  policed.keep = {.count = 5, .after = seconds(1)};
  Settled leader(policed);
  leader.almost_fall_asleep();
  leader.tick(beat);
  leader.all_accept(true);
  leader.forget();
  leader.tick(options().heartbeat_interval);

  CHECK_FALSE(leader.engine.is_quiet());
  CHECK_FALSE(leader.sent<AppendRequest>().back().quiet);
}

}  // namespace
}  // namespace troupe::test
