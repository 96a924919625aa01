#pragma once

#include "core/input.hpp"
#include "core/log.hpp"
#include "core/options.hpp"
#include "core/random.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <optional>

namespace troupe {

/// The last snapshot of one peer, and when to take the next (§5.1). Each peer decides for itself,
/// since a snapshot only concerns its own disk.
///
/// One is due when so many entries, or bytes of them, were applied since the last
/// (`EngineOptions`). The bytes count as at least the size of the last one, so that a snapshot
/// never costs more than what was logged for it. Both thresholds are stretched by up to one half,
/// drawn at random for each snapshot: peers that apply the same entries must not all save at the
/// same moment.
class SnapshotSchedule {
public:
  /// `last` is what the store holds, if anything.
  SnapshotSchedule(const EngineOptions& options, std::optional<SnapshotHead> last);

  /// The last one, our own or a leader's; it may have been lost.
  const std::optional<SnapshotHead>& last() const { return last_; }
  /// The last entry that it covers; 0 without a snapshot.
  Index covered() const { return last_ ? last_->place.id.index : Index{}; }
  /// Whether there is one that was not lost.
  bool has_sound() const { return last_ && sound_; }
  /// Whether there is one, which was lost. Without it there is no way back from a restart.
  bool is_lost() const { return last_ && !sound_; }

  /// The place of the snapshot that is being taken.
  const std::optional<EntryId>& taking() const { return taking_; }
  /// Whether one may be begun: none is under way, and none failed within the last second.
  bool may_begin(Time now) const { return !taking_ && now >= retry_at_; }
  void begin(EntryId place) { taking_ = place; }
  /// The one under way is durable, or there will be none. Returns whether it takes the place of
  /// `last`: not if a leader's has come in the meantime that covers more.
  bool finish(const SnapshotTaken& taken, Index applied, Time now);

  /// One is wanted soon, whatever the thresholds.
  void ask() { asked_ = true; }
  bool was_asked() const { return asked_; }
  /// Whether enough was applied since the last one.
  bool has_grown(const Log& log, Index applied) const;
  /// Whether so much was, that another one is due even while a follower is sent the last. The
  /// sending begins anew with each, and would never end if they followed each other too soon.
  bool has_outgrown_sending(const Log& log, Index applied) const;

  /// `head` is the last one from now on.
  void record(SnapshotHead head);
  /// The last one is damaged or missing.
  void lose() { sound_ = false; }
  /// It is not needed: the whole log is there.
  void forget() { last_.reset(); }

private:
  std::uint64_t draw_stretch();
  std::uint64_t bytes_threshold() const;
  bool reaches(std::uint64_t count, std::uint64_t threshold) const;

  std::uint64_t entries_max_;
  std::size_t bytes_max_;
  std::optional<SnapshotHead> last_{};
  bool sound_ = true;
  std::optional<EntryId> taking_{};
  bool asked_ = false;
  Time retry_at_ = Time::min();
  Random stretches_;  ///< Its own, so that snapshots move no election.
  std::uint64_t stretch_permille_ = 1000;
};

}  // namespace troupe
