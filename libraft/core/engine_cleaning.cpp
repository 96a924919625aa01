#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace troupe {

// Log cleaning (§5.3). Every rule here serves one end: what any peer restarts from, its snapshot
// and its log with whatever holes, leads to the state that a log without holes leads to. Why these
// rules suffice: docs/decisions/0005.

void Engine::on_released(const Released& released) {
  if (!options_.cleaning || !fits(released))
    return;
  reported_ = released.upto;
  for (const Release& release : released.releases) {
    if (release.entry < log_.first())
      continue;
    releases_.push_back(release);
  }
  if (options_.clean_entries_min > 0 && releases_.size() >= sweep_at_)
    sweep_at_ = std::max<std::uint64_t>(options_.clean_entries_min, matters_still() / 2);
}

/// Entries of the log that nothing has released.
std::uint64_t Engine::matters_still() const {
  const std::uint64_t all = log_.last().index.value - log_.before().index.value;
  const std::uint64_t gone = log_.holes_from(log_.first()) + releases_.size() + sweep_.size();
  return all - std::min(all, gone);
}

/// Tombstones rest on that we know of everything that was released before them: once a report is
/// missing, none that follows counts. As entries are released once, so many can't wait.
bool Engine::fits(const Released& released) const {
  const auto& releases = released.releases;
  const bool follows = released.from == next(reported_) && released.upto <= applied_;
  const bool in_order =
      std::ranges::adjacent_find(releases, std::greater_equal<>{}) == releases.end();
  const bool is_sane = std::ranges::all_of(releases, [&](const Release& release) {
    return release.by >= released.from && release.by <= released.upto && release.entry > Index{}
           && release.entry <= release.by;
  });
  return follows && in_order && is_sane
         && releases_.size() + sweep_.size() <= log_.last().index.value - log_.before().index.value;
}

/// The replicated state is as it was at `index`, and tells us of what it applies from there.
void Engine::expect_reports_behind(Index index) {
  releases_.clear();
  sweep_.clear();
  sweep_at_ = 0;
  reported_ = index;
}

Index Engine::horizon() const {
  return mutant(Mutant::horizon_ignored) ? Index{} : hard_state_.horizon;
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
  Index least = persisted_;
  if (mutant(Mutant::floor_ignored))
    return least;
  for (const auto& [peer, progress] : leading().progress)
    if (progress.pace() != Pace::rest)
      least = std::min(least, progress.match());
  return least;
}

/// The one place that says how far cleaning may go: here is also where to hold back what somebody
/// else has yet to see.
Index Engine::clean_upto() const {
  return std::min({floor(), persisted_, applied_});
}

bool Engine::may_become_hole(const Release& release) const {
  if (release.entry < log_.first() || log_.at(release.entry).kind != EntryKind::command)
    return false;
  // A snapshot may hold what the tombstone deleted. It goes with all that the next one covers.
  if (mutant(Mutant::tombstone_beside_snapshot))
    return true;
  return !release.is_tombstone() || (!snapshot_ && !taking_);
}

/// The first of what may not become a hole yet.
std::deque<Release>::const_iterator Engine::end_of_cleanable() const {
  return std::ranges::partition_point(
      releases_, [upto = clean_upto()](const Release& release) { return release.by <= upto; });
}

/// Holes that lie wide apart cost a store a page each, those that lie close together share one. So
/// nothing is made a hole of before there is about half as much to clean as there is to keep; and
/// then in the order of the log, but for tombstones: there is never a hole for one where there is
/// none for what it deleted.
void Engine::begin_sweep() {
  const auto end = end_of_cleanable();
  sweep_.assign(releases_.cbegin(), end);
  releases_.erase(releases_.cbegin(), end);
  sweep_upto_ = sweep_.back().by;
  const bool last = !mutant(Mutant::tombstone_first);
  const auto tombstones =
      std::stable_partition(sweep_.begin(), sweep_.end(),
                            [&](const Release& release) { return release.is_tombstone() != last; });
  std::ranges::sort(sweep_.begin(), tombstones, {}, &Release::entry);
}

/// What was allowed when the sweep began may be no more: somebody may be sent the log since who has
/// not got all of what released.
bool Engine::may_sweep() const {
  if (!sweep_.empty())
    return sweep_upto_ <= clean_upto();
  const std::size_t wanted = std::max<std::size_t>(sweep_at_, 1);
  return releases_.size() >= wanted && releases_[wanted - 1].by <= clean_upto();
}

/// Not in the first heartbeat of a term (see `adopt_term`), however much waits.
void Engine::clean_some(Write& write) {
  if (now_ < cleaned_at_)
    return;
  const bool many = sweep_.size() >= options_.clean_entries_max && may_sweep();
  if (!many && now_ < cleaning_deadline())
    return;
  if (sweep_.empty())
    begin_sweep();
  while (!sweep_.empty() && write.released.size() < options_.clean_entries_max) {
    const Release release = sweep_.front();
    sweep_.pop_front();
    if (!may_become_hole(release))
      continue;
    log_.release(release.entry);
    write.released.push_back(release.entry);
    hard_state_.horizon = std::max(hard_state_.horizon, release.by);
  }
  std::ranges::sort(write.released);
  write.hard_state.horizon = hard_state_.horizon;
  cleaned_at_ = now_;
}

/// When to make holes, by a write of its own if there is no other.
Time Engine::cleaning_deadline() const {
  return may_sweep() ? cleaned_at_ + options_.heartbeat_interval : never;
}

/// Behind this entry no tombstone is missing: they stay from the first snapshot on.
Index Engine::holes_upto() const {
  return snapshot_ ? std::min(log_.last_hole(), snapshot_->place.id.index) : log_.last_hole();
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
