#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

// Log cleaning (§5.3): how far it may go, and what holes mean to followers. The `Cleaner` makes
// them. Every rule here serves one end: what any peer restarts from, its snapshot and its log with
// whatever holes, leads to the state that a log without holes leads to. Why these rules suffice:
// docs/decisions/0005.

Index Engine::horizon() const {
  if (mutant(Mutant::horizon_ignored))
    return {};
  return hard_state_.horizon;
}

/// Whether the state is one that was, whatever holes are in the log.
bool Engine::is_mended() const {
  return applied_ >= horizon();
}

/// All peers that are sent the log have it durably up to here: none will miss what entries up to
/// this one released.
Index Engine::floor() const {
  if (const auto* state = std::get_if<Following>(&state_))
    return state->floor;
  if (role_ != Role::leader)
    return {};
  Index least = writes_.persisted();
  if (mutant(Mutant::floor_ignored))
    return least;
  for (const auto& [peer, progress] : leading().followers)
    if (progress.pace() != Pace::rest)
      least = std::min(least, progress.match());
  return least;
}

/// The one place that says how far cleaning may go: here is also where to hold back what somebody
/// else has yet to see.
Index Engine::clean_upto() const {
  return std::min({floor(), writes_.persisted(), applied_});
}

/// When to make holes, by a write of its own if there is no other.
Time Engine::cleaning_deadline() const {
  return cleaner_.has_enough() ? cleaner_.deadline(clean_upto()) : never;
}

/// Behind this entry no tombstone is missing: they stay from the first snapshot on.
Index Engine::holes_upto() const {
  return snapshots_.last() ? std::min(log_.last_hole(), snapshots_.covered()) : log_.last_hole();
}

/// Whether the follower may hold what a tombstone deleted that is a hole here. No member misses a
/// hole, but who was none when it was made does: one that was removed and comes back, or one that
/// others began to send the log to.
bool Engine::holes_would_mislead(const Progress& progress) const {
  if (mutant(Mutant::holes_sent_to_anyone))
    return false;
  return progress.pace() != Pace::rest && progress.next() <= holes_upto() && !progress.has_ours();
}

bool Engine::may_send_entries(const Progress& progress) const {
  return log_.first() <= progress.next() && progress.next() <= log_.last().index
         && !holes_would_mislead(progress);
}

}  // namespace troupe
