#include "core/read_queue.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace troupe::test {
namespace {

constexpr std::uint64_t boot = 7;
constexpr Duration patience = std::chrono::milliseconds(30);
constexpr PeerId follower{2};

ReadIndexResponse answer(ReadId upto, Index index, std::uint64_t to = boot) {
  return {.upto = upto, .boot = to, .index = index};
}

}  // namespace

TEST_SUITE_BEGIN("read queue");

TEST_CASE("a read of a leader is ready when a quorum has answered a round that carried it") {
  ReadQueue reads(boot);
  const ReadId first = reads.wait_for_quorum({5});
  CHECK(reads.round_is_due());
  reads.send_round();
  CHECK_FALSE(reads.round_is_due());
  const ReadId second = reads.wait_for_quorum({6});

  CHECK_FALSE(reads.pop_confirmed(first));
  CHECK_FALSE(reads.is_ready({4}));
  REQUIRE(reads.is_ready({5}));
  CHECK(reads.pop_ready().upto == first);
  CHECK_FALSE(reads.is_ready({6}));
  CHECK(reads.newest() == second);
  CHECK(reads.rounds() == 1);
}

TEST_CASE("reads that must see the same entry are ready as one") {
  ReadQueue reads(boot);
  reads.wait_for_quorum({5});
  const ReadId second = reads.wait_for_quorum({5});

  CHECK_FALSE(reads.pop_confirmed(second));
  CHECK(reads.pop_ready().upto == second);
  CHECK_FALSE(reads.is_ready({5}));
}

TEST_CASE("what a follower asked is answered, with what it asked") {
  ReadQueue reads(boot);
  reads.wait_for_quorum({5}, follower, {.upto = {9}, .boot = 3});

  const auto read = reads.pop_confirmed(reads.newest());
  REQUIRE(read.has_value());
  CHECK(read->asker == follower);
  CHECK(read->index == Index{5});
  CHECK(read->request == ReadIndexRequest{.upto = {9}, .boot = 3});
  CHECK_FALSE(reads.is_ready({5}));
}

TEST_CASE("only reads of our own clients keep a later one from being ready at once") {
  ReadQueue reads(boot);
  reads.wait_for_quorum({5}, follower, {});
  CHECK_FALSE(reads.own_reads_wait());
  reads.ready_at_once({5});
  CHECK(reads.is_ready({5}));

  reads.wait_for_quorum({5});
  CHECK(reads.own_reads_wait());
}

TEST_CASE("a leader's reads are bounded") {
  ReadQueue reads(boot);
  while (!reads.is_full() && reads.newest().value < 10'000)
    reads.wait_for_quorum({5});

  CHECK(reads.newest() == ReadId{4096});
}

TEST_CASE("a follower asks its leader once for all reads that came") {
  ReadQueue reads(boot);
  reads.wait_for_leader();
  const auto second = reads.wait_for_leader();
  REQUIRE(second.has_value());
  REQUIRE(reads.should_ask_leader(Time{}, patience));

  CHECK(reads.ask_leader(Time{}) == ReadIndexRequest{.upto = *second, .boot = boot});
  CHECK_FALSE(reads.should_ask_leader(Time{}, patience));
  CHECK(reads.ask_deadline(patience) == Time{patience});
  CHECK(reads.should_ask_leader(Time{patience}, patience));
}

TEST_CASE("an answer makes all reads ready that were asked about, and no later one") {
  ReadQueue reads(boot);
  const ReadId first = *reads.wait_for_leader();
  reads.ask_leader(Time{});
  reads.wait_for_leader();

  CHECK(reads.hear_answer(answer(first, {5})) == ReadQueue::Answer::fresh);
  REQUIRE(reads.is_ready({5}));
  CHECK(reads.pop_ready().upto == first);
  CHECK(reads.should_ask_leader(Time{}, patience));
  CHECK(reads.hear_answer(answer(first, {5})) == ReadQueue::Answer::stale);
}

TEST_CASE("an answer to an earlier life, or to no question, counts for nothing") {
  ReadQueue reads(boot);
  const ReadId first = *reads.wait_for_leader();
  CHECK(reads.hear_answer(answer(first, {5})) == ReadQueue::Answer::nonsense);

  reads.ask_leader(Time{});
  CHECK(reads.hear_answer(answer(first, {5}, boot + 1)) == ReadQueue::Answer::stale);
  CHECK_FALSE(reads.is_ready({5}));
}

TEST_CASE("lost reads are never ready, and the leader is not asked about them") {
  ReadQueue reads(boot);
  const ReadId asked = *reads.wait_for_leader();
  reads.ask_leader(Time{});
  reads.lose_all();

  CHECK(reads.hear_answer(answer(asked, {5})) == ReadQueue::Answer::stale);
  CHECK_FALSE(reads.is_ready({5}));
  CHECK_FALSE(reads.should_ask_leader(Time{patience}, patience));
  CHECK(reads.ask_deadline(patience) == never);
}

TEST_CASE("a follower's reads are bounded") {
  ReadQueue reads(boot);
  int taken = 0;
  while (taken < 10'000 && reads.wait_for_leader())
    ++taken;

  CHECK(taken == 4096);
}

TEST_SUITE_END();

}  // namespace troupe::test
