#include "core/snapshot_sending.hpp"
#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>

namespace troupe::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

SnapshotHead head() {
  return {
      .place = {.id = {{1}, {9}}, .configuration = voters({1, 2, 3}), .configuration_index = {1}},
      .size_bytes = 100,
      .hash = 7};
}

/// How many portions and questions the engine hands its disk.
std::size_t handed_to_disk(Engine& engine) {
  std::size_t count = 0;
  while (engine.has_output())
    count += engine.take_output().chunks_to_store.size();
  return count;
}

std::size_t ask(Subject& follower, Bytes data) {
  follower.engine.step(
      Message{.cluster = our_cluster,
              .from = {2},
              .to = self,
              .term = {1},
              .body = SnapshotChunk{.head = head(), .offset = 0, .data = std::move(data)}});
  return handed_to_disk(follower.engine);
}

}  // namespace

TEST_CASE("a disk that stalls is asked one question about a snapshot, however many come") {
  Subject follower;

  std::size_t handed = 0;
  for (int i = 0; i < 1000; ++i)
    handed += ask(follower, {});

  CHECK(handed == 1);
}

TEST_CASE("who writes a portion of a snapshot is not asked how far it is") {
  Subject follower;
  REQUIRE(ask(follower, Bytes::copy_of("0123456789")) == 1);

  CHECK(ask(follower, {}) == 0);
}

TEST_CASE("a question about a snapshot follows when the one before it is answered") {
  Subject follower;
  REQUIRE(ask(follower, {}) == 1);

  follower.engine.step(ChunkStored{.id = head().id(), .offset = 0, .upto = 10});

  CHECK(ask(follower, {}) == 1);
}

TEST_CASE("a leader whom nobody answers about a snapshot asks less and less") {
  const Duration silence = milliseconds(50);
  SnapshotSending sending(head());

  std::size_t asked = 0;
  for (Time now{}; now < Time(minutes(10)); now += silence)
    while (const auto piece = sending.next({}, now, silence)) {
      REQUIRE(piece->length == 0);
      ++asked;
    }

  CHECK(asked < 250);  // Of 12,000 silences.
  CHECK(asked > 100);  // A peer that comes back is heard of within seconds.
  sending.answered(0, 10);
  CHECK(sending.next({}, Time(minutes(20)), silence));
  CHECK(sending.next({}, Time(minutes(20)) + silence, silence));
}

}  // namespace troupe::test
