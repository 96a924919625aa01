#pragma once

#include "core/entry.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace troupe {

/// The log as the engine sees it: every entry, in memory, durable or not.
/// Indexes start at 1 and have no gaps. The id {0, 0} is in every log.
class Log {
public:
  /// Requires: `entry.id.index == next(last().index)` and a term not below the last one's.
  void append(Entry entry);
  /// Drops `index` and all after it. Requires: `first() <= index <= last().index`.
  void truncate_from(Index index);

  Index first() const { return {1}; }
  EntryId last() const;
  /// Requires: `index <= last().index`. Index 0 has term 0.
  Term term_at(Index index) const;
  bool contains(EntryId id) const;
  /// Requires: `first() <= index <= last().index`.
  const Entry& at(Index index) const;

  /// Entries in [from, to], up to `bytes_max` in all but at least one, as long as there are any.
  /// Requires: `to <= last().index`.
  std::vector<Entry> slice(Index from, Index to, std::size_t bytes_max) const;
  /// Entries in [from, to]. Requires both in the log, or `from == next(to)`.
  std::vector<Entry> range(Index from, Index to) const;

  /// The last entry at or before `upto.index` whose term is not above `upto.term`: the
  /// furthest place where this log and one that holds `upto` may agree.
  EntryId last_not_above(EntryId upto) const;

  /// The sum of `size_bytes` over [from, last].
  std::size_t bytes_from(Index from) const;

private:
  std::deque<Entry> entries_{};
  std::deque<std::size_t> bytes_{};  ///< Running total of `size_bytes`, so that any sum is O(1).
};

}  // namespace troupe
