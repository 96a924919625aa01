#pragma once

#include "core/input.hpp"
#include "core/log.hpp"
#include "core/options.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace troupe {

/// Chooses the entries of one peer's log that become holes, and the time (log cleaning, §5.3).
///
/// The replicated state reports for each applied entry which entries it released (`Released`): they
/// matter no more. The cleaner keeps these releases, in the order of the entries that released, and
/// makes holes in sweeps. A hole costs a store one page if it lies alone, and shares a page with
/// its neighbours. So a sweep begins when about half as many entries are released as matter, and
/// goes through the log in order. Tombstones come last in a sweep: an entry that deletes is never a
/// hole while the entry that it deletes is not. Why these rules suffice: docs/decisions/0005.
class Cleaner {
public:
  /// How far cleaning may go at one moment.
  struct Limits {
    /// Releases by entries up to this one count. Every peer that is sent the log holds it so far.
    Index upto{};
    /// A snapshot exists, or is being taken, which may hold what a tombstone deleted. Tombstones
    /// stay then, until the log is cut.
    bool keeps_tombstones = false;
  };
  struct Cleaned {
    std::vector<Index> entries{};  ///< The new holes, sorted.
    Index horizon{};               ///< The last entry that released one of them; 0 without holes.
  };

  explicit Cleaner(const EngineOptions& options);

  /// The replicated state is as it was at `applied`; the next report begins behind that. Everything
  /// that was reported before is forgotten.
  void restart(Index applied);

  /// Takes a report. One that does not follow the last one, or makes no sense, is ignored, and so
  /// are all reports behind it: a tombstone counts only if everything released before is known.
  void report(const Released& released, Index applied, const Log& log);

  /// Released, and not a hole yet.
  std::size_t waiting() const { return releases_.size() + sweep_.size(); }
  /// Whether there is enough to make holes of, if the limits allow it. False where `deadline` is
  /// `never` for any limit.
  bool has_enough() const { return !sweep_.empty() || releases_.size() >= wanted(); }
  /// When to make holes, by a write of its own if there is no other.
  Time deadline(Index upto) const;

  /// Makes holes in `log`, if it is time: at most `clean_entries_max`, and not in the first
  /// heartbeat of a term, however many wait.
  Cleaned clean(Time now, Limits limits, Log& log);

  /// A term begins: no holes for a heartbeat. The first entries of the next leader, and votes,
  /// would otherwise wait until thousands of holes are written.
  void defer(Time now) { cleaned_at_ = now + interval_; }

  /// The log was cut before `first`.
  void forget_before(Index first);

private:
  std::size_t wanted() const;
  bool may_sweep(Index upto) const;
  bool fits(const Released& released, Index applied, const Log& log) const;
  std::uint64_t matters_still(const Log& log) const;
  void begin_sweep(Index upto);

  bool enabled_;
  std::size_t entries_min_;
  std::size_t entries_max_;
  Duration interval_;
  std::deque<Release> releases_{};  ///< Ascending by the entry that released.
  std::deque<Release> sweep_{};     ///< Being made holes of, in this order...
  Index sweep_upto_{};              ///< ...released by entries up to this one.
  std::uint64_t sweep_at_ = 0;      ///< So many releases make a sweep.
  Index reported_{};                ///< Up to here.
  Time cleaned_at_{};               ///< When holes were made last.
};

}  // namespace troupe
