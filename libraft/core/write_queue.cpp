#include "core/write_queue.hpp"

#include "core/assert.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void WriteQueue::truncated(Index from, EntryId last) {
  persisted_ = std::min(persisted_, prev(from));
  for (UnderWay& write : under_way_)
    if (write.last.index >= from)
      if (!mutant(Mutant::truncated_counts_as_durable))
        write.last = last;
  if (from > handed_)
    return;
  handed_ = prev(from);
  if (!mutant(Mutant::truncation_not_written))
    truncated_from_ = std::min(truncated_from_.value_or(from), from);
}

void WriteQueue::restarted(EntryId before, EntryId committed) {
  persisted_ = std::min(persisted_, committed.index);
  for (UnderWay& write : under_way_)
    if (write.last.index > committed.index)
      write.last = committed;
  truncated_from_.reset();
  restarts_ = true;
  handed_ = before.index;
}

bool WriteQueue::is_dirty(Index last) const {
  return hard_state_changed_ || truncated_from_ || snapshot_changed_ || handed_ < last;
}

Write WriteQueue::take(const HardState& hard_state, const Log& log,
                       const std::optional<SnapshotHead>& snapshot, Time now) {
  taken_ = {taken_.value + 1};
  Write write{.id = taken_,
              .hard_state = hard_state,
              .restart = std::exchange(restarts_, false),
              .truncate_from = std::exchange(truncated_from_, std::nullopt),
              .entries = log.range(next(handed_), log.last().index)};
  if (mutant(Mutant::log_restart_not_written))
    write.restart = false;
  UnderWay under_way{.id = taken_,
                     .last = log.last(),
                     .hard_state = std::exchange(hard_state_changed_, false),
                     .at = now};
  if (std::exchange(snapshot_changed_, false)) {
    write.snapshot = snapshot;
    under_way.covered = snapshot->place.id.index;
  }
  handed_ = log.last().index;
  under_way_.push_back(under_way);
  return write;
}

Index WriteQueue::done(WriteId write, const Log& log) {
  TROUPE_ASSERT(write <= taken_);
  Index covered{};
  while (!under_way_.empty() && under_way_.front().id <= write) {
    const UnderWay& oldest = under_way_.front();
    bool still_there = log.agrees(oldest.last);
    if (mutant(Mutant::truncated_counts_as_durable))
      still_there = true;
    TROUPE_ASSERT(still_there);
    persisted_ = std::max(persisted_, oldest.last.index);
    if (oldest.covered != Index{})
      covered = oldest.covered;
    under_way_.pop_front();
  }
  done_ = std::max(done_, write);
  return covered;
}

WriteId WriteQueue::covering(Index last) const {
  return is_dirty(last) ? WriteId{taken_.value + 1} : taken_;
}

bool WriteQueue::hard_state_is_durable() const {
  return !hard_state_changed_ && std::ranges::none_of(under_way_, &UnderWay::hard_state);
}

bool WriteQueue::stalls(Time now, Duration longest) const {
  return !under_way_.empty() && now - under_way_.front().at >= longest;
}

}  // namespace troupe
