#pragma once

#include "core/entry.hpp"
#include "core/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace troupe {

/// What some entries of a log come to.
struct LogSum {
  std::size_t bytes = 0;    ///< Of `size_bytes`.
  std::uint64_t holes = 0;  ///< How many are holes.

  void add(const LogSum& other) {
    bytes += other.bytes;
    holes += other.holes;
  }
  /// Requires: `other` is part of it.
  void remove(const LogSum& other) {
    bytes -= other.bytes;
    holes -= other.holes;
  }
  bool operator==(const LogSum&) const = default;
};

LogSum sum_of(const Entry& entry);

/// Sums over the blocks of a log: what all behind an index comes to is asked for with every turn,
/// of logs that are long, and whose entries shrink to holes anywhere. An entry is in one block of
/// each size; blocks begin at multiples of their size.
class LogSums {
public:
  /// Of the smallest.
  static constexpr std::uint64_t block_entries = 64;

  /// Entries come and go at the ends, one at a time, each with what it comes to.
  void append(Index last, const LogSum& sum);
  void remove_last(Index last, const LogSum& sum);
  void remove_first(Index first, const LogSum& sum);
  /// Of an entry in between, which came to `before`.
  void change(Index index, const LogSum& before, const LogSum& after);

  /// Of all from `begin` on. Requires: a block begins there.
  LogSum from(Index begin) const;

private:
  /// The blocks of one size that hold an entry or did so last; the first and the last in part.
  struct Level {
    std::uint64_t size = 1;
    std::uint64_t first = 0;  ///< The number of the first, times `size` its index.
    std::deque<LogSum> blocks{};

    LogSum& at(Index index) { return blocks[static_cast<std::size_t>(index.value / size - first)]; }
  };
  std::array<Level, 2> levels_{Level{.size = block_entries},
                               Level{.size = block_entries * block_entries}};
};

}  // namespace troupe
