#include "core/cleaner.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace troupe::test {
namespace {

constexpr Duration beat = EngineOptions{}.heartbeat_interval;

/// A log of so many commands, a cleaner that begins at once, and a clock.
struct Cleaning {
  EngineOptions options = at_once();
  Log log{};
  Cleaner cleaner{options};
  Time now{beat};

  explicit Cleaning(std::uint64_t entries) {
    for (std::uint64_t i = 1; i <= entries; ++i)
      log.append(command(1, i));
  }

  static EngineOptions at_once() {
    EngineOptions options = test::options();
    options.clean_entries_min = 0;
    return options;
  }

  /// All entries are applied; `releases` are pairs of an entry and of what it releases.
  void report(std::uint64_t from, std::uint64_t upto,
              const std::vector<std::pair<std::uint64_t, std::uint64_t>>& releases) {
    Released released{.from = {from}, .upto = {upto}};
    for (const auto& [by, entry] : releases)
      released.releases.push_back({.by = {by}, .entry = {entry}});
    cleaner.report(released, log.last().index, log);
  }
  /// What becomes a hole in the next heartbeat.
  std::vector<Index> clean(std::uint64_t upto, bool keeps_tombstones = false) {
    now += beat;
    return cleaner.clean(now, {.upto = {upto}, .keeps_tombstones = keeps_tombstones}, log).entries;
  }
};

using Indexes = std::vector<Index>;

}  // namespace

TEST_SUITE_BEGIN("cleaner");

TEST_CASE("a released entry becomes a hole once all peers hold the entry that released it") {
  Cleaning cleaning(3);
  cleaning.report(1, 3, {{3, 1}});

  CHECK(cleaning.clean(2).empty());
  CHECK(cleaning.cleaner.deadline({2}) == never);
  CHECK(cleaning.cleaner.deadline({3}) < never);
  CHECK(cleaning.clean(3) == Indexes{{1}});
  CHECK(cleaning.log.at({1}).kind == EntryKind::released);
  CHECK(cleaning.cleaner.waiting() == 0);
}

TEST_CASE("the horizon is the last entry that released a new hole") {
  Cleaning cleaning(4);
  cleaning.report(1, 4, {{3, 1}, {4, 2}});

  const auto cleaned = cleaning.cleaner.clean(2 * beat, {.upto = {4}}, cleaning.log);
  CHECK(cleaned.entries == Indexes{{1}, {2}});
  CHECK(cleaned.horizon == Index{4});
}

TEST_CASE("a tombstone becomes a hole behind all else of its sweep") {
  Cleaning cleaning(4);
  cleaning.options.clean_entries_max = 1;
  cleaning.cleaner = Cleaner(cleaning.options);
  cleaning.report(1, 4, {{2, 2}, {4, 3}});  // Entry 2 deletes, and released itself.

  CHECK(cleaning.clean(4) == Indexes{{3}});
  CHECK(cleaning.clean(4) == Indexes{{2}});
}

TEST_CASE("tombstones stay beside a snapshot, which may hold what they deleted") {
  Cleaning cleaning(3);
  cleaning.report(1, 3, {{2, 2}, {3, 1}});

  CHECK(cleaning.clean(3, true) == Indexes{{1}});
  CHECK(cleaning.log.at({2}).kind == EntryKind::command);
}

TEST_CASE("a sweep waits when its limit goes back") {
  Cleaning cleaning(4);
  cleaning.options.clean_entries_max = 1;
  cleaning.cleaner = Cleaner(cleaning.options);
  cleaning.report(1, 4, {{3, 1}, {4, 2}});

  CHECK(cleaning.clean(4) == Indexes{{1}});
  CHECK(cleaning.clean(3).empty());
  CHECK(cleaning.clean(4) == Indexes{{2}});
}

TEST_CASE("behind a report that is missing no report counts") {
  Cleaning cleaning(4);
  cleaning.report(2, 2, {{2, 1}});
  cleaning.report(3, 4, {{4, 3}});
  CHECK(cleaning.cleaner.waiting() == 0);

  // Until the replicated state starts over.
  cleaning.cleaner.restart({2});
  cleaning.report(3, 4, {{4, 3}});
  CHECK(cleaning.cleaner.waiting() == 1);
}

TEST_CASE("nonsense in a report counts for nothing") {
  Cleaning cleaning(4);
  cleaning.report(1, 5, {{4, 1}});          // Entry 5 is not applied.
  cleaning.report(1, 4, {{3, 4}});          // Released before it was there.
  cleaning.report(1, 4, {{3, 1}, {3, 1}});  // Released twice.
  cleaning.report(1, 4, {{3, 0}});
  CHECK(cleaning.cleaner.waiting() == 0);
}

TEST_CASE("holes wait until half as many entries are released as matter") {
  Cleaning cleaning(100);
  cleaning.options.clean_entries_min = 10;
  cleaning.cleaner = Cleaner(cleaning.options);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> releases;
  for (std::uint64_t i = 1; i <= 10; ++i)
    releases.emplace_back(50 + i, i);
  cleaning.report(1, 60, releases);
  CHECK_FALSE(cleaning.cleaner.has_enough());

  releases.clear();
  for (std::uint64_t i = 11; i <= 45; ++i)
    releases.emplace_back(50 + i, i);
  cleaning.report(61, 100, releases);
  CHECK(cleaning.cleaner.has_enough());
  CHECK_FALSE(cleaning.clean(100).empty());
}

TEST_CASE("a term begins with a heartbeat without new holes") {
  Cleaning cleaning(3);
  cleaning.report(1, 3, {{3, 1}});
  cleaning.cleaner.defer(cleaning.now);

  const Cleaner::Limits limits{.upto = {3}};
  CHECK(cleaning.cleaner.clean(cleaning.now, limits, cleaning.log).entries.empty());
  CHECK(cleaning.clean(3).empty());
  CHECK(cleaning.clean(3) == Indexes{{1}});
}

TEST_CASE("releases of what was cut are forgotten") {
  Cleaning cleaning(4);
  cleaning.report(1, 4, {{3, 1}, {4, 2}});

  cleaning.log.cut_before({2});
  cleaning.cleaner.forget_before({2});
  CHECK(cleaning.cleaner.waiting() == 1);
  CHECK(cleaning.clean(4) == Indexes{{2}});
}

TEST_SUITE_END();

}  // namespace troupe::test
