#include "core/cleaner.hpp"

#include "core/mutant.hpp"

#include <algorithm>
#include <functional>

namespace troupe {
namespace {

std::uint64_t entries_of(const Log& log) {
  return log.last().index.value - log.before().index.value;
}

bool may_become_hole(const Release& release, bool keeps_tombstones, const Log& log) {
  if (release.entry < log.first() || log.at(release.entry).kind != EntryKind::command)
    return false;
  if (mutant(Mutant::tombstone_beside_snapshot))
    return true;
  return !release.is_tombstone() || !keeps_tombstones;
}

}  // namespace

Cleaner::Cleaner(const EngineOptions& options)
    : enabled_(options.cleaning),
      entries_min_(options.clean_entries_min),
      entries_max_(options.clean_entries_max),
      interval_(options.heartbeat_interval) {}

void Cleaner::restart(Index applied) {
  releases_.clear();
  sweep_.clear();
  sweep_at_ = 0;
  reported_ = applied;
}

void Cleaner::report(const Released& released, Index applied, const Log& log) {
  if (!enabled_ || !fits(released, applied, log))
    return;
  reported_ = released.upto;
  for (const Release& release : released.releases)
    if (release.entry >= log.first())
      releases_.push_back(release);
  if (entries_min_ > 0 && releases_.size() >= sweep_at_)
    sweep_at_ = std::max<std::uint64_t>(entries_min_, matters_still(log) / 2);
}

/// An entry is released once, so the log bounds how many releases can wait.
bool Cleaner::fits(const Released& released, Index applied, const Log& log) const {
  const auto& releases = released.releases;
  const bool follows = released.from == next(reported_) && released.upto <= applied;
  const bool in_order =
      std::ranges::adjacent_find(releases, std::greater_equal<>{}) == releases.end();
  const bool is_sane = std::ranges::all_of(releases, [&](const Release& release) {
    return release.by >= released.from && release.by <= released.upto && release.entry > Index{}
           && release.entry <= release.by;
  });
  return follows && in_order && is_sane && waiting() <= entries_of(log);
}

/// Entries of the log that nothing has released.
std::uint64_t Cleaner::matters_still(const Log& log) const {
  const std::uint64_t all = entries_of(log);
  return all - std::min<std::uint64_t>(all, log.holes_from(log.first()) + waiting());
}

std::size_t Cleaner::wanted() const {
  return std::max<std::size_t>(sweep_at_, 1);
}

/// A limit may have gone back since the sweep began: a peer may be sent the log by now that does
/// not hold all of the entries that released.
bool Cleaner::may_sweep(Index upto) const {
  if (!sweep_.empty())
    return sweep_upto_ <= upto;
  return releases_.size() >= wanted() && releases_[wanted() - 1].by <= upto;
}

Time Cleaner::deadline(Index upto) const {
  return may_sweep(upto) ? cleaned_at_ + interval_ : never;
}

void Cleaner::begin_sweep(Index upto) {
  const auto end = std::ranges::partition_point(
      releases_, [upto](const Release& release) { return release.by <= upto; });
  sweep_.assign(releases_.begin(), end);
  releases_.erase(releases_.begin(), end);
  sweep_upto_ = sweep_.back().by;
  bool tombstones_last = true;
  if (mutant(Mutant::tombstone_first))
    tombstones_last = false;
  const auto tombstones = std::stable_partition(
      sweep_.begin(), sweep_.end(),
      [&](const Release& release) { return release.is_tombstone() != tombstones_last; });
  std::ranges::sort(sweep_.begin(), tombstones, {}, &Release::entry);
}

Cleaner::Cleaned Cleaner::clean(Time now, Limits limits, Log& log) {
  Cleaned cleaned;
  if (now < cleaned_at_)
    return cleaned;
  const bool many = sweep_.size() >= entries_max_ && may_sweep(limits.upto);
  if (!many && now < deadline(limits.upto))
    return cleaned;
  if (sweep_.empty())
    begin_sweep(limits.upto);
  while (!sweep_.empty() && cleaned.entries.size() < entries_max_) {
    const Release release = sweep_.front();
    sweep_.pop_front();
    if (!may_become_hole(release, limits.keeps_tombstones, log))
      continue;
    log.release(release.entry);
    cleaned.entries.push_back(release.entry);
    cleaned.horizon = std::max(cleaned.horizon, release.by);
  }
  std::ranges::sort(cleaned.entries);
  cleaned_at_ = now;
  return cleaned;
}

void Cleaner::forget_before(Index first) {
  const auto is_gone = [&](const Release& release) { return release.entry < first; };
  std::erase_if(releases_, is_gone);
  std::erase_if(sweep_, is_gone);
}

}  // namespace troupe
