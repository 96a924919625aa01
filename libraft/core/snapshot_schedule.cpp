#include "core/snapshot_schedule.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe {
namespace {

/// After a snapshot that failed, for want of space perhaps.
constexpr Duration retry_after = std::chrono::seconds(1);
/// While a follower is sent a snapshot, the next one waits until so many times its size was logged.
constexpr std::size_t patience = 2;
constexpr std::uint64_t stretch_min_permille = 1000;
constexpr std::uint64_t stretch_max_permille = 1500;

}  // namespace

SnapshotSchedule::SnapshotSchedule(const EngineOptions& options, std::optional<SnapshotHead> last)
    : entries_max_(options.snapshot_entries),
      bytes_max_(options.snapshot_bytes),
      last_(std::move(last)),
      stretches_(~options.seed) {
  stretch_permille_ = draw_stretch();
}

std::uint64_t SnapshotSchedule::draw_stretch() {
  return stretch_min_permille + stretches_.below(stretch_max_permille - stretch_min_permille);
}

bool SnapshotSchedule::finish(const SnapshotTaken& taken, Index applied, Time now) {
  TROUPE_ASSERT(taking_.has_value());
  TROUPE_ASSERT(!taken.head || taken.head->place.id == *taking_);
  taking_.reset();
  if (!taken.head) {
    retry_at_ = now + retry_after;
    return false;
  }
  // A leader's may have come in the meantime, and even been lost again.
  const Index now_covered = taken.head->place.id.index;
  return now_covered <= applied
         && (now_covered > covered() || (now_covered == covered() && !sound_));
}

bool SnapshotSchedule::reaches(std::uint64_t count, std::uint64_t threshold) const {
  const std::uint64_t more = stretch_permille_ - stretch_min_permille;
  return threshold > 0
         && count >= threshold + threshold / 1000 * more + threshold % 1000 * more / 1000;
}

/// 0 if no snapshot is taken for the sake of bytes.
std::uint64_t SnapshotSchedule::bytes_threshold() const {
  const std::uint64_t size = last_ ? last_->size_bytes : 0;
  return bytes_max_ == 0 ? 0 : std::max<std::uint64_t>(bytes_max_, size);
}

bool SnapshotSchedule::has_grown(const Log& log, Index applied) const {
  if (entries_max_ == 0 && bytes_max_ == 0)
    return false;
  const auto [bytes, holes] = log.sum(next(covered()), applied);
  const std::uint64_t entries = applied.value - covered().value - holes;
  return reaches(entries, entries_max_) || reaches(bytes, bytes_threshold());
}

bool SnapshotSchedule::has_outgrown_sending(const Log& log, Index applied) const {
  const std::size_t size = last_ ? static_cast<std::size_t>(last_->size_bytes) : 0;
  return log.sum(next(covered()), applied).bytes >= patience * std::max(bytes_max_, size);
}

void SnapshotSchedule::record(SnapshotHead head) {
  last_ = std::move(head);
  sound_ = true;
  asked_ = false;
  stretch_permille_ = draw_stretch();
}

}  // namespace troupe
