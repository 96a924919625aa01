#include "core/snapshot_receiver.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace troupe::test {
namespace {

const SnapshotHead ten_bytes{.place = {.id = {{1}, {5}}}, .size_bytes = 10, .hash = 3};

SnapshotChunk chunk(std::uint64_t offset, std::string_view data) {
  return {.head = ten_bytes, .offset = offset, .data = Bytes::copy_of(data)};
}
ChunkStored stored(std::uint64_t offset, std::uint64_t upto) {
  return {.id = ten_bytes.id(), .offset = offset, .upto = upto};
}

}  // namespace

TEST_SUITE_BEGIN("snapshot receiver");

TEST_CASE("a snapshot is complete when all of its bytes are stored") {
  SnapshotReceiver receiver;
  receiver.take(chunk(0, "abcde"));
  receiver.take(chunk(5, "fghij"));
  CHECK(receiver.take_chunks().size() == 2);
  CHECK_FALSE(receiver.has_chunks());

  CHECK(receiver.stored(stored(0, 5)));
  CHECK(receiver.upto() == 5);
  CHECK_FALSE(receiver.is_complete());
  CHECK(receiver.stored(stored(5, 10)));
  REQUIRE(receiver.is_complete());
  CHECK(receiver.finish() == ten_bytes);
  CHECK_FALSE(receiver.head());
  CHECK(receiver.upto() == 0);
}

TEST_CASE("a question waits for what is being stored, whose answer answers it") {
  SnapshotReceiver receiver;
  receiver.take(chunk(0, ""));
  receiver.take(chunk(0, ""));
  CHECK(receiver.take_chunks().size() == 1);
  receiver.take(chunk(0, ""));
  CHECK_FALSE(receiver.has_chunks());

  receiver.stored(stored(0, 0));
  receiver.take(chunk(0, ""));
  CHECK(receiver.has_chunks());
}

TEST_CASE("another snapshot takes the place of the one that came before") {
  SnapshotReceiver receiver;
  receiver.take(chunk(0, "abcde"));
  receiver.stored(stored(0, 5));
  SnapshotChunk other = chunk(0, "x");
  other.head.hash = 4;
  receiver.take(other);

  CHECK(receiver.head() == other.head);
  CHECK(receiver.upto() == 0);
  CHECK_FALSE(receiver.stored(stored(5, 10)));
  CHECK_FALSE(receiver.is_complete());
}

TEST_CASE("of a damaged snapshot nothing is there") {
  SnapshotReceiver receiver;
  receiver.take(chunk(5, "fghij"));
  ChunkStored damaged = stored(5, 10);
  damaged.corrupt = true;

  CHECK(receiver.stored(damaged));
  CHECK(receiver.upto() == 0);
  CHECK_FALSE(receiver.is_complete());
}

TEST_CASE("a snapshot that was given up is answered by nobody") {
  SnapshotReceiver receiver;
  receiver.take(chunk(0, "abcde"));
  receiver.give_up();

  CHECK_FALSE(receiver.stored(stored(0, 5)));
  CHECK_FALSE(receiver.head());
}

TEST_SUITE_END();

}  // namespace troupe::test
