#include "core/snapshot_schedule.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <set>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

SnapshotHead head(std::uint64_t last, std::uint64_t size = 1) {
  return {.place = {.id = {{1}, {last}}}, .size_bytes = size, .hash = 5};
}

EngineOptions every(std::uint64_t entries, std::size_t bytes = 0, std::uint64_t seed = 1) {
  EngineOptions options = test::options();
  options.seed = seed;
  options.snapshot_entries = entries;
  options.snapshot_bytes = bytes;
  return options;
}

/// So many commands, of about 1000 bytes each.
Log log_of(std::uint64_t entries) {
  Log log;
  for (std::uint64_t i = 1; i <= entries; ++i)
    log.append(command(1, i, std::string(1000 - entry_head_bytes, 'x')));
  return log;
}

/// After how many entries a snapshot is due.
std::uint64_t entries_until_due(const SnapshotSchedule& schedule, const Log& log) {
  Index applied = schedule.covered();
  while (applied < log.last().index && !schedule.has_grown(log, applied))
    applied = next(applied);
  return applied.value - schedule.covered().value;
}

}  // namespace

TEST_SUITE_BEGIN("snapshot schedule");

TEST_CASE("a snapshot is due after so many entries, and up to half as many more") {
  const Log log = log_of(300);
  std::set<std::uint64_t> drawn;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    drawn.insert(entries_until_due(SnapshotSchedule(every(100, 0, seed), std::nullopt), log));

  CHECK(drawn.size() > 10);
  CHECK(*drawn.begin() >= 100);
  CHECK(*drawn.rbegin() <= 150);
}

TEST_CASE("a snapshot is due after so many bytes, and never sooner than its size was logged") {
  const Log log = log_of(300);
  const std::uint64_t small =
      entries_until_due(SnapshotSchedule(every(0, 10'000), head(100, 1)), log);
  CHECK(small >= 10);
  CHECK(small <= 15);

  const std::uint64_t large =
      entries_until_due(SnapshotSchedule(every(0, 10'000), head(100, 50'000)), log);
  CHECK(large >= 50);
  CHECK(large <= 75);
}

TEST_CASE("while the last is being sent, the next waits until twice its size was logged") {
  const Log log = log_of(300);
  const SnapshotSchedule schedule(every(0, 10'000), head(100, 50'000));

  CHECK_FALSE(schedule.has_outgrown_sending(log, {199}));
  CHECK(schedule.has_outgrown_sending(log, {200}));
}

TEST_CASE("without thresholds no snapshot is due") {
  const Log log = log_of(300);
  CHECK_FALSE(SnapshotSchedule(every(0), std::nullopt).has_grown(log, {300}));
}

TEST_CASE("one snapshot is taken at a time, and a failed one is tried again after a second") {
  SnapshotSchedule schedule(every(100), std::nullopt);
  const Time now{1h};
  schedule.begin({{1}, {5}});
  CHECK_FALSE(schedule.may_begin(now));

  CHECK_FALSE(schedule.finish({}, {5}, now));
  CHECK_FALSE(schedule.taking());
  CHECK_FALSE(schedule.may_begin(now + 999ms));
  CHECK(schedule.may_begin(now + 1s));
}

TEST_CASE("a snapshot that was taken takes the place of the last, unless that covers more") {
  SnapshotSchedule schedule(every(100), head(3));
  schedule.begin({{1}, {5}});
  CHECK(schedule.finish({head(5)}, {5}, Time{}));

  schedule.begin({{1}, {5}});
  schedule.record(head(7));  // A leader's came in the meantime.
  CHECK_FALSE(schedule.finish({head(5)}, {7}, Time{}));

  schedule.begin({{1}, {7}});
  schedule.lose();
  CHECK(schedule.finish({head(7)}, {7}, Time{}));
}

TEST_CASE("a lost snapshot is known and not sound, until there is another") {
  SnapshotSchedule schedule(every(100), head(3));
  CHECK(schedule.has_sound());
  schedule.lose();
  CHECK(schedule.is_lost());
  CHECK(schedule.covered() == Index{3});

  schedule.ask();
  schedule.record(head(4));
  CHECK(schedule.has_sound());
  CHECK_FALSE(schedule.was_asked());
  schedule.forget();
  CHECK_FALSE(schedule.has_sound());
  CHECK_FALSE(schedule.is_lost());
  CHECK(schedule.covered() == Index{});
}

TEST_SUITE_END();

}  // namespace troupe::test
