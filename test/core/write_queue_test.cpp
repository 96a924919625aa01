#include "core/write_queue.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>

namespace troupe::test {
namespace {

/// A log of one term, its store, and a clock.
struct Writing {
  Log log{};
  WriteQueue writes{};
  HardState hard_state{.term = {1}};
  std::optional<SnapshotHead> snapshot{};
  Time now{};

  void append(std::uint64_t count, std::uint64_t term = 1) {
    for (std::uint64_t i = 0; i < count; ++i)
      log.append(command(term, log.last().index.value + 1));
  }
  void truncate_from(std::uint64_t index) {
    log.truncate_from({index});
    writes.truncated({index}, log.last());
  }
  bool is_dirty() const { return writes.is_dirty(log.last().index); }
  Write take() { return writes.take(hard_state, log, snapshot, now); }
  Index done(WriteId write) { return writes.done(write, log); }
};

SnapshotHead snapshot_of(EntryId last) {
  return {.place = {.id = last}, .size_bytes = 1};
}

}  // namespace

TEST_SUITE_BEGIN("write queue");

TEST_CASE("a write holds what was appended since the last, and is durable when it is done") {
  Writing disk;
  disk.append(2);
  const Write first = disk.take();
  disk.append(1);
  const Write second = disk.take();

  CHECK(first.entries.size() == 2);
  CHECK(second.entries == std::vector{command(1, 3)});
  CHECK(disk.writes.persisted() == Index{});
  disk.done(first.id);
  CHECK(disk.writes.persisted() == Index{2});
  disk.done(second.id);
  CHECK(disk.writes.persisted() == Index{3});
}

TEST_CASE("of what was truncated nothing is durable when its write is done") {
  Writing disk;
  disk.append(3);
  const Write first = disk.take();
  disk.truncate_from(2);
  disk.append(2);  // The same entries come back: they are in no write yet.

  disk.done(first.id);
  CHECK(disk.writes.persisted() == Index{1});
  const Write second = disk.take();
  CHECK(second.truncate_from == Index{2});
  CHECK(second.entries.size() == 2);
  disk.done(second.id);
  CHECK(disk.writes.persisted() == Index{3});
}

TEST_CASE("what was truncated before any write held it needs no write") {
  Writing disk;
  disk.append(1);
  disk.done(disk.take().id);
  disk.append(2);
  disk.truncate_from(2);

  CHECK_FALSE(disk.is_dirty());
}

TEST_CASE("of two truncations the longer one is written") {
  Writing disk;
  disk.append(4);
  disk.take();
  disk.truncate_from(2);
  disk.append(2, 2);
  disk.truncate_from(3);

  CHECK(disk.take().truncate_from == Index{2});
}

TEST_CASE("term and vote are durable when no write of them is under way or to come") {
  Writing disk;
  CHECK(disk.writes.hard_state_is_durable());
  disk.writes.hard_state_changed();
  CHECK_FALSE(disk.writes.hard_state_is_durable());
  const WriteId write = disk.take().id;
  CHECK_FALSE(disk.writes.hard_state_is_durable());

  disk.done(write);
  CHECK(disk.writes.hard_state_is_durable());
}

TEST_CASE("a promise waits for the next write if anything has changed, otherwise for the last") {
  Writing disk;
  disk.append(1);
  CHECK(disk.writes.covering(disk.log.last().index) == WriteId{1});
  disk.take();
  CHECK(disk.writes.covering(disk.log.last().index) == WriteId{1});
  disk.writes.hard_state_changed();
  CHECK(disk.writes.covering(disk.log.last().index) == WriteId{2});
}

TEST_CASE("a log that begins anew keeps of what is under way only what is committed") {
  Writing disk;
  disk.append(5);
  const Write first = disk.take();
  disk.snapshot = snapshot_of({{2}, {9}});
  disk.writes.restarted({{2}, {9}}, {{1}, {3}});
  disk.writes.snapshot_changed();
  disk.log = Log({{2}, {9}});

  disk.done(first.id);
  CHECK(disk.writes.persisted() == Index{3});
  const Write second = disk.take();
  CHECK(second.restart);
  CHECK(second.snapshot == disk.snapshot);
  CHECK(disk.done(second.id) == Index{9});
  CHECK(disk.writes.persisted() == Index{9});
}

TEST_CASE("the log may be cut behind a snapshot once the write that holds it is durable") {
  Writing disk;
  disk.append(3);
  disk.snapshot = snapshot_of({{1}, {2}});
  disk.writes.snapshot_changed();
  const Write first = disk.take();
  disk.append(1);
  const Write second = disk.take();

  CHECK_FALSE(second.snapshot);
  CHECK(disk.done(first.id) == Index{2});
  CHECK(disk.done(second.id) == Index{});
}

TEST_CASE("a disk stalls by its oldest write") {
  using namespace std::chrono_literals;
  Writing disk;
  CHECK_FALSE(disk.writes.stalls(disk.now + 1h, 300ms));
  disk.append(1);
  const WriteId first = disk.take().id;
  disk.now += 200ms;
  disk.append(1);
  disk.take();

  CHECK(disk.writes.stalls(disk.now + 100ms, 300ms));
  disk.done(first);
  CHECK_FALSE(disk.writes.stalls(disk.now + 100ms, 300ms));
}

TEST_SUITE_END();

}  // namespace troupe::test
