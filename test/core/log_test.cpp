#include "core/log.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

namespace {

Log log_of(const std::vector<Entry>& entries) {
  Log log;
  for (const Entry& entry : entries)
    log.append(entry);
  return log;
}

std::vector<std::uint64_t> indexes(const std::vector<Entry>& entries) {
  std::vector<std::uint64_t> found;
  found.reserve(entries.size());
  for (const Entry& entry : entries)
    found.push_back(entry.id.index.value);
  return found;
}

using Indexes = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("the id 0/0 is in every log, and ends an empty one") {
  const Log log;

  CHECK(log.last() == EntryId{});
  CHECK(log.contains({}));
  CHECK(log.term_at({0}) == Term{0});
  CHECK(!log.contains({{1}, {1}}));
  CHECK(log.bytes_from({1}) == 0);
  CHECK(log.slice({1}, log.last().index, 1000).empty());
  CHECK(log.range({1}, {0}).empty());
}

TEST_CASE("a log contains an id if the entry at its index is of its term") {
  const Log log = log_of({noop(1, 1), noop(3, 2)});

  CHECK(log.contains({{1}, {1}}));
  CHECK(log.contains({{3}, {2}}));
  CHECK(!log.contains({{1}, {2}}));
  CHECK(!log.contains({{3}, {3}}));
  CHECK(!log.contains({{1}, {0}}));
}

TEST_CASE("truncation drops an entry and all after it, and the log goes on from there") {
  Log log = log_of({noop(1, 1), noop(1, 2), noop(1, 3)});

  log.truncate_from({2});
  log.append(noop(2, 2));

  CHECK(log.last() == EntryId{{2}, {2}});
  CHECK(log.at({1}).id == EntryId{{1}, {1}});
  log.truncate_from({1});
  CHECK(log.last() == EntryId{});
}

TEST_CASE("a slice has as much as fits, but at least one entry") {
  const std::string payload(100, 'x');
  const Log log = log_of({command(1, 1, payload), command(1, 2, payload), command(1, 3, payload)});
  const std::size_t one = size_bytes(log.at({1}));

  CHECK(indexes(log.slice({1}, log.last().index, 1)) == Indexes{1});
  CHECK(indexes(log.slice({1}, log.last().index, 2 * one - 1)) == Indexes{1});
  CHECK(indexes(log.slice({1}, log.last().index, 2 * one)) == Indexes{1, 2});
  CHECK(indexes(log.slice({2}, log.last().index, 10 * one)) == Indexes{2, 3});
  CHECK(indexes(log.slice({3}, log.last().index, one)) == Indexes{3});
  CHECK(log.slice({4}, log.last().index, one).empty());
}

TEST_CASE("a range has what lies between its ends, both included") {
  const Log log = log_of({noop(1, 1), noop(1, 2), noop(1, 3)});

  CHECK(indexes(log.range({1}, {3})) == Indexes{1, 2, 3});
  CHECK(indexes(log.range({2}, {2})) == Indexes{2});
  CHECK(log.range({4}, {3}).empty());
}

TEST_CASE("the bytes of a suffix are those of its entries, whatever came and went before") {
  Log log = log_of({command(1, 1, "a"), command(1, 2, "bb"), command(1, 3, "ccc")});
  log.truncate_from({3});
  log.append(command(2, 3, "dddd"));

  CHECK(log.bytes_from({3}) == entry_head_bytes + 4);
  CHECK(log.bytes_from({2}) == 2 * entry_head_bytes + 6);
  CHECK(log.bytes_from({1}) == 3 * entry_head_bytes + 7);
  CHECK(log.bytes_from({4}) == 0);
}

TEST_CASE("a hole keeps its id and counts without its payload") {
  Log log = log_of({command(1, 1, "a"), command(1, 2, "bb"), command(2, 3, "ccc")});

  log.release({2});

  CHECK(log.at({2}) == Entry{.id = {{1}, {2}}, .kind = EntryKind::released, .payload = {}});
  CHECK(log.bytes_from({1}) == 3 * entry_head_bytes + 4);
  CHECK(log.bytes_from({2}) == 2 * entry_head_bytes + 3);
  CHECK(log.holes_from({1}) == 1);
  CHECK(log.holes_from({3}) == 0);
  CHECK(log.last_hole() == Index{2});
  log.cut_before({3});
  CHECK(log.holes_from({1}) == 0);
  CHECK(log.last_hole() == Index{0});
}

/// Entries `first` to `last` with a payload of one byte each, but `large` where an index is odd:
/// all are slices of one frame, which is alive as long as the result says.
std::weak_ptr<const void> append_frame(Log& log, std::uint64_t first, std::uint64_t last,
                                       std::size_t large) {
  const auto frame = std::make_shared<const std::string>((last - first + 1) * large, 'x');
  const auto* at = reinterpret_cast<const std::uint8_t*>(frame->data());
  for (std::uint64_t i = first; i <= last; ++i) {
    const std::size_t size = i % 2 == 1 ? large : 1;
    log.append({.id = {{1}, {i}}, .kind = EntryKind::command, .payload = Bytes(frame, {at, size})});
    at += size;
  }
  return frame;
}

TEST_CASE("what stays of a frame does not keep it in memory") {
  for (const std::size_t large : {1U, 1000U}) {
    Log log({{1}, {40}});
    const auto frame = append_frame(log, 41, 300, large);
    const Bytes kept = log.at({42}).payload;
    CHECK(!frame.expired());

    // All that is large goes, and with payloads of one size three of four.
    for (std::uint64_t i = 41; i <= 300; ++i)
      if (i % 2 == 1 || (large == 1 && i % 4 == 0))
        log.release({i});

    CHECK(log.at({42}).payload.text() == "x");
    CHECK(frame.use_count() == 1);  // Ours: `kept`.
    CHECK(log.bytes_from({1}) == 260 * entry_head_bytes + (large == 1 ? 65 : 130));
  }
}

TEST_CASE("a log whose entries come and go in any way keeps their payloads") {
  Random random(5);
  Log log;
  std::map<std::uint64_t, std::string> wanted;
  for (int step = 0; step < 20000; ++step) {
    const std::uint64_t last = log.last().index.value;
    const std::uint64_t length = last + 1 - log.first().value;
    const std::uint64_t any = log.first().value + random.below(length + 1);
    const std::uint64_t what = random.below(100);
    if (what < 60 || length == 0) {
      wanted[last + 1] = std::string(random.below(50), static_cast<char>('a' + random.below(26)));
      log.append(command(1, last + 1, wanted[last + 1]));
    } else if (what < 98 && any <= last) {
      wanted[any].clear();
      log.release({any});
    } else if (what == 98 && any <= last) {
      log.truncate_from({any});
      wanted.erase(wanted.lower_bound(any), wanted.end());
    } else if (what == 99) {
      log.cut_before({log.first().value + random.below(length / 8 + 1)});
      wanted.erase(wanted.begin(), wanted.lower_bound(log.first().value));
    }
    if (step % 100 != 0)
      continue;
    for (const auto& [index, payload] : wanted)
      REQUIRE(log.at({index}).payload.text() == payload);
  }
}

TEST_CASE("of a log that was cut as a whole nothing is to be summed up") {
  Log log({{1}, {3000}});
  log.append(command(1, 3001));
  log.release({3001});
  log.cut_before({3002});

  CHECK(log.bytes_from({1}) == 0);
  CHECK(log.holes_from({1}) == 0);
}

TEST_CASE("sums over a log are those of its entries, whatever was done to it") {
  Random random(11);
  Log log({{1}, {4000}});  // About to pass the end of a block of each size.
  std::uint64_t longest = 0;
  for (int round = 0; round < 3000; ++round) {
    const Index last = log.last().index;
    const auto length = last.value + 1 - log.first().value;
    longest = std::max(longest, length);
    switch (random.below(8)) {
      case 0:
        if (length > 0)
          log.truncate_from({last.value - random.below(std::min<std::uint64_t>(length, 40))});
        break;
      case 1:
        log.cut_before({log.first().value + random.below(std::min<std::uint64_t>(length, 60) + 1)});
        break;
      case 2:
      case 3:
        if (length > 0)
          log.release({log.first().value + random.below(length)});
        break;
      default:
        for (std::uint64_t i = random.below(40); i > 0; --i)
          log.append(command(1, next(log.last().index).value, std::string(random.below(9), 'x')));
    }
    const Index from{log.before().index.value + random.below(length + 3)};
    std::size_t bytes = 0;
    std::uint64_t holes = 0;
    for (Index i = std::max(from, log.first()); i <= log.last().index; i = next(i)) {
      bytes += size_bytes(log.at(i));
      holes += log.at(i).kind == EntryKind::released ? 1U : 0U;
    }
    REQUIRE(log.bytes_from(from) == bytes);
    REQUIRE(log.holes_from(from) == holes);
    const std::uint64_t entries = log.last().index.value - log.before().index.value;
    const Index to{log.before().index.value + random.below(entries + 1)};
    LogSum part;
    for (Index i = std::max(from, log.first()); i <= to; i = next(i))
      part.add(sum_of(log.at(i)));
    REQUIRE((from > next(to) || log.sum(from, to) == part));
    const bool beyond =
        log.last_hole() < log.last().index && log.holes_from(next(log.last_hole())) > 0;
    REQUIRE(!beyond);
  }
  CHECK(longest > 2 * LogSums::block_entries * LogSums::block_entries);
}

TEST_CASE("the furthest place where two logs may agree is found by brute force and by bisection") {
  Random random(7);
  for (int round = 0; round < 500; ++round) {
    Log log;
    std::uint64_t term = 1;
    const std::uint64_t length = random.below(12);
    for (std::uint64_t i = 1; i <= length; ++i)
      log.append(noop(term += random.below(3), i));
    const EntryId upto{{random.below(term + 3)}, {random.below(16)}};

    EntryId expected{};
    for (Index i{1}; i <= log.last().index && i <= upto.index; i = next(i))
      if (log.term_at(i) <= upto.term)
        expected = log.at(i).id;

    CHECK(log.last_not_above(upto) == expected);
  }
}

}  // namespace troupe::test
