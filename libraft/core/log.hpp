#pragma once

#include "core/assert.hpp"
#include "core/entry.hpp"
#include "core/log_sums.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace troupe {

/// The log as the engine sees it: every entry that was not cut, in memory, durable or not. Indexes
/// have no gaps. What was cut is covered by a snapshot (§5.1) and so committed: every leader holds
/// it as it was here. The id {0, 0} is in every log.
class Log {
public:
  Log() = default;
  /// Empty, and goes on behind `before`.
  explicit Log(EntryId before) : before_(before) {}

  /// Requires: `entry.id.index == next(last().index)` and a term not below the last one's.
  void append(Entry entry);
  /// Drops `index` and all after it. Requires: `first() <= index <= last().index`.
  void truncate_from(Index index);
  /// Drops all before `index`. Requires: `first() <= index <= next(last().index)`.
  void cut_before(Index index);
  /// Makes the entry a hole: its id stays, its payload goes (§5.3). Requires: it is in the log.
  ///
  /// Payloads are slices of the frames that they came in, and one that stays keeps its whole frame
  /// in memory. Once less than half of what a block of entries brought is left, what is left of it
  /// gets memory of its own. So payloads keep no more than twice their size.
  void release(Index index);

  /// The entry before the first; {0, 0} if nothing was ever cut.
  EntryId before() const { return before_; }
  Index first() const { return next(before_.index); }
  EntryId last() const { return entries_.empty() ? before_ : entries_.back().id; }
  /// Requires: `before().index <= index <= last().index`. Index 0 has term 0.
  Term term_at(Index index) const {
    TROUPE_ASSERT(index >= before_.index);
    TROUPE_ASSERT(index <= last().index);
    return index == before_.index ? before_.term : at(index).id.term;
  }
  /// Whether it is here; the end of what was cut is.
  bool contains(EntryId id) const {
    return id == EntryId{}
           || (id.index >= before_.index && id.index <= last().index
               && term_at(id.index) == id.term);
  }
  /// Whether it is here or was cut: nothing here contradicts a log that holds it.
  bool agrees(EntryId id) const { return id.index < before_.index || contains(id); }
  /// Requires: `first() <= index <= last().index`.
  const Entry& at(Index index) const {
    TROUPE_ASSERT(index >= first());
    TROUPE_ASSERT(index <= last().index);
    return entries_[slot(index)];
  }

  /// Entries in [from, to], up to `bytes_max` in all but at least one, as long as there are any.
  /// Requires: `to <= last().index`, and `from` not cut.
  std::vector<Entry> slice(Index from, Index to, std::size_t bytes_max) const;
  /// Entries in [from, to]. Requires both in the log, or `from == next(to)`.
  std::vector<Entry> range(Index from, Index to) const;

  /// The last entry at or before `upto.index` whose term is not above `upto.term`: the
  /// furthest place where this log and one that holds `upto` may agree. {0, 0} if it was cut.
  EntryId last_not_above(EntryId upto) const;

  /// The sum of `size_bytes` over what is here of [from, last].
  std::size_t bytes_from(Index from) const { return sum_from(from).bytes; }

  /// Over what is here of [from, to]. Requires: `from <= next(to)`, `to <= last().index`.
  LogSum sum(Index from, Index to) const;

  /// How many of [from, last] are holes.
  std::uint64_t holes_from(Index from) const {
    return last_hole_ < from ? 0 : sum_from(from).holes;
  }
  /// At or behind the last hole; 0 if there is none.
  Index last_hole() const { return last_hole_; }

  /// The first of the last entries up to `upto` that are no more than `entries_max` and take no
  /// more than `bytes_max`. Requires: `before().index <= upto <= last().index`.
  Index first_of_last(Index upto, std::size_t entries_max, std::size_t bytes_max) const;

private:
  std::size_t slot(Index index) const {
    return static_cast<std::size_t>(index.value - first().value);
  }
  LogSum sum_from(Index from) const;
  struct Block {
    std::size_t bytes = 0;       ///< Of its payloads.
    std::size_t kept_bytes = 0;  ///< That they may keep in memory.
  };
  Block& block(Index index);
  void leave_frames(Index index);

  EntryId before_{};
  std::deque<Entry> entries_{};
  LogSums sums_{};
  Index last_hole_{};
  std::deque<Block> blocks_{};  ///< Of `LogSums::block_entries`, from that of `first()` on.
};

}  // namespace troupe
