#include "core/log_cutter.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <optional>

namespace troupe::test {
namespace {

Log log_of(std::uint64_t entries) {
  Log log;
  for (std::uint64_t i = 1; i <= entries; ++i)
    log.append(command(1, i));
  return log;
}

EngineOptions keeping(std::size_t entries, std::size_t piece = 4096) {
  EngineOptions options = test::options();
  options.snapshot_keep_entries = entries;
  options.cut_entries_max = piece;
  return options;
}

}  // namespace

TEST_SUITE_BEGIN("log cutter");

TEST_CASE("the log is cut behind a snapshot, less what stays for followers that lag a little") {
  Log log = log_of(10);
  LogCutter cutter(keeping(3));
  CHECK(cutter.deadline(log) == never);
  CHECK_FALSE(cutter.cut(Time{}, log));

  cutter.plan({8}, log);
  CHECK(cutter.cut(Time{}, log) == Index{6});
  CHECK(log.first() == Index{6});
  CHECK(cutter.deadline(log) == never);
}

TEST_CASE("the log is cut a piece at a time, by a write of its own after a heartbeat") {
  const EngineOptions options = keeping(0, 4);
  Log log = log_of(10);
  LogCutter cutter(options);
  cutter.plan({10}, log);

  const Time now{options.heartbeat_interval * 10};
  CHECK(cutter.cut(now, log) == Index{5});
  CHECK(cutter.deadline(log) == now + options.heartbeat_interval);
  CHECK(cutter.cut(now, log) == Index{9});
  CHECK(cutter.cut(now, log) == Index{11});
  CHECK_FALSE(cutter.cut(now, log));
}

TEST_CASE("nothing is cut behind a snapshot that was lost") {
  Log log = log_of(10);
  LogCutter cutter(keeping(0));
  cutter.plan({8}, log);
  cutter.give_up();

  CHECK_FALSE(cutter.cut(Time{}, log));
  CHECK(log.first() == Index{1});
}

TEST_SUITE_END();

}  // namespace troupe::test
