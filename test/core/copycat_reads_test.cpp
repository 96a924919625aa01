#include "test/core/subject.hpp"

#include <doctest/doctest.h>

// What the reads of Copycat and Atomix do wrong, one case for each.

namespace troupe::test {
namespace {

/// Of voters 1, 2 and 3, in term 2; nothing of its term is committed.
Subject new_leader() {
  Subject peer;
  peer.become_leader();
  peer.forget();
  return peer;
}

AppendResponse promise(const Subject& peer, Time sent_at) {
  return {.verdict = Accepted{peer.engine.log().last().index},
          .read = {},
          .sent_at = sent_at,
          .promised = options().election_timeout_min};
}

bool reads(Subject& peer, ReadLevel level) {
  peer.forget();
  const auto read = peer.engine.start_read(level);
  peer.settle();
  return read && !peer.reads.empty() && peer.reads.back().upto == *read;
}

}  // namespace

TEST_CASE("C1: a lease read is not answered by one who merely believes that it leads") {
  Subject peer = new_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  REQUIRE(peer.commit() == Index{2});

  // It was elected a moment ago, and nobody has promised anything since.
  CHECK(!reads(peer, ReadLevel::lease));
}

TEST_CASE("C2: a lease is over before its followers may elect another, and long before we resign") {
  Subject peer = new_leader();
  peer.receive(2, 2, promise(peer, peer.now));
  REQUIRE(reads(peer, ReadLevel::lease));

  peer.tick(options().election_timeout_min - options().clock_error);

  CHECK(peer.role() == Role::leader);
  CHECK(!reads(peer, ReadLevel::lease));
}

TEST_CASE("C3: right after its election a leader answers no read, at no level, for nobody") {
  Subject peer = new_leader();
  // They follow and promise, but their disks are busy.
  for (const std::uint64_t id : {2u, 3u})
    peer.receive(id, 2,
                 AppendResponse{.verdict = Accepted{{1}},
                                .read = {},
                                .sent_at = peer.now,
                                .promised = options().election_timeout_min});

  CHECK(peer.engine.start_read(ReadLevel::lease).refusal() == Refusal::election_in_progress);
  CHECK(peer.engine.start_read().refusal() == Refusal::election_in_progress);
  peer.receive(2, 2, ReadIndexRequest{{1}, 4});
  CHECK(peer.sent<ReadIndexResponse>().empty());
}

TEST_CASE("C4: a lease counts from when a request left, not from when its answer came") {
  Subject peer = new_leader();
  const Time sent = peer.now;
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});

  peer.tick(options().election_timeout_min - options().clock_error - Duration(1));
  peer.receive(2, 2, promise(peer, sent));  // It was long on its way.
  CHECK(reads(peer, ReadLevel::lease));
  peer.tick(Duration(1));
  CHECK(!reads(peer, ReadLevel::lease));
}

TEST_CASE("C5: an answer to what was asked before a read does not confirm it") {
  Subject peer = new_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  const auto first = peer.engine.start_read();
  peer.settle();
  const auto second = peer.engine.start_read();
  peer.settle();

  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {}});
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {}});
  CHECK(peer.reads.empty());
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{2}}, .read = *first});
  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.reads[0].upto == *first);
  CHECK(*first < *second);
}

TEST_CASE("C6: an answer of another term confirms no read and prolongs no lease") {
  Subject peer = new_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  const auto read = peer.engine.start_read();
  peer.settle();

  SUBCASE("of an older one") {
    AppendResponse late = promise(peer, peer.now);
    late.read = *read;
    peer.receive(3, 1, late);
    CHECK(peer.role() == Role::leader);
  }
  SUBCASE("of a higher one: the answer is that we lead no more") {
    AppendResponse news = promise(peer, peer.now);
    news.read = *read;
    peer.receive(3, 3, news);
    CHECK(peer.role() == Role::follower);
    CHECK(peer.role_changed);
  }
  CHECK(peer.reads.empty());
  CHECK(!peer.engine.lease_until());
}

TEST_CASE("C7: a read is answered from the state that was confirmed, not from one before it") {
  Subject peer = new_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  const Bytes payload = Bytes::copy_of("x");
  REQUIRE(peer.engine.propose({&payload, 1}));
  peer.settle();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}});
  REQUIRE(peer.commit() == Index{3});

  const auto read = peer.engine.start_read();
  peer.settle();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}, .read = *read});

  // The entries come first in the same output or an earlier one; then the read, with its index.
  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.reads[0].index == Index{3});
  CHECK(peer.committed.back().id.index == Index{3});
}

TEST_CASE("C8: who leads no more, and has not noticed, reads nothing once its quorum is silent") {
  Subject peer = new_leader();
  peer.receive(2, 2, promise(peer, peer.now));

  // Cut off from now on; the others elect after one timeout.
  peer.tick(options().election_timeout_min);

  CHECK(peer.role() == Role::leader);
  CHECK(!reads(peer, ReadLevel::lease));
  CHECK(!reads(peer, ReadLevel::linearizable));
}

}  // namespace troupe::test
