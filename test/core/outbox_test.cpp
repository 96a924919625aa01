#include "core/outbox.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <utility>

namespace troupe::test {
namespace {

Message vote(std::uint64_t to) {
  return {.from = self, .to = {to}, .term = {1}, .body = VoteResponse{.granted = true}};
}

}  // namespace

TEST_SUITE_BEGIN("outbox");

TEST_CASE("a promise leaves when the write that makes it true is durable, and not before") {
  Outbox outbox;
  outbox.promise({2}, vote(3));
  CHECK_FALSE(outbox.has_messages());
  CHECK_FALSE(outbox.release({1}));
  CHECK_FALSE(outbox.has_messages());

  CHECK(outbox.release({2}));
  CHECK_FALSE(outbox.has_promises());
  CHECK(outbox.take_messages() == std::vector{vote(3)});
  CHECK_FALSE(outbox.has_messages());
}

TEST_CASE("promises leave in the order in which they were made, behind what was sent before") {
  Outbox outbox;
  outbox.promise({1}, vote(2));
  outbox.promise({2}, vote(3));
  outbox.promise({3}, vote(4));
  outbox.send(vote(5));
  outbox.release({2});

  CHECK(outbox.take_messages() == std::vector{vote(5), vote(2), vote(3)});
  CHECK(outbox.has_promises());
}

TEST_CASE("of an older term no promise leaves, and all else does") {
  Outbox outbox;
  outbox.promise({1}, vote(2));
  outbox.send(vote(3));
  outbox.drop_promises();

  CHECK_FALSE(outbox.release({1}));
  CHECK(outbox.take_messages() == std::vector{vote(3)});
}

TEST_CASE("a peer that was set back says nothing of what it was about to say") {
  Outbox outbox;
  outbox.promise({1}, vote(2));
  outbox.send(vote(3));
  outbox.drop_messages();

  CHECK_FALSE(outbox.release({1}));
  CHECK(outbox.take_messages().empty());
}

TEST_CASE("chunks of a snapshot leave beside messages") {
  Outbox outbox;
  outbox.send_chunk({.from = self, .to = {2}, .body = SnapshotChunk{}}, 100);

  const auto chunks = outbox.take_chunks();
  REQUIRE(chunks.size() == 1);
  CHECK(chunks.front().length == 100);
  CHECK(outbox.take_chunks().empty());
}

TEST_SUITE_END();

}  // namespace troupe::test
