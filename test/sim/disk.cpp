#include "test/sim/disk.hpp"

#include "core/assert.hpp"

#include <chrono>
#include <iterator>
#include <utility>

namespace troupe::sim {

void apply(const Write& write, Recovered& durable) {
  durable.hard_state = write.hard_state;
  if (write.snapshot)
    durable.snapshot = *write.snapshot;
  if (write.restart) {
    TROUPE_ASSERT(write.snapshot.has_value());
    durable.before = write.snapshot->place.id;
    durable.entries.clear();
  }
  const auto slot = [&](Index index) {
    TROUPE_ASSERT(index > durable.before.index);
    return static_cast<std::size_t>(index.value - durable.before.index.value - 1);
  };
  if (write.truncate_from) {
    TROUPE_ASSERT(slot(*write.truncate_from) <= durable.entries.size());
    durable.entries.resize(slot(*write.truncate_from));
  }
  for (const Entry& entry : write.entries) {
    TROUPE_ASSERT(slot(entry.id.index) == durable.entries.size());
    durable.entries.push_back(entry);
  }
  for (const Index index : write.released) {
    Entry& entry = durable.entries.at(slot(index));
    entry = {.id = entry.id, .kind = EntryKind::released, .payload = {}};
  }
  if (!write.cut_before || slot(*write.cut_before) == 0)
    return;
  const auto gone = static_cast<std::ptrdiff_t>(slot(*write.cut_before));
  durable.before = durable.entries.at(slot(*write.cut_before) - 1).id;
  durable.entries.erase(durable.entries.begin(), durable.entries.begin() + gone);
}

std::optional<Duration> Disk::begin() {
  if (full_ || !working_.empty() || queue_.empty())
    return std::nullopt;
  do {
    working_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  } while (swarm_.group_commit && !queue_.empty());
  Duration latency = dice_.skewed(swarm_.latency_min, swarm_.latency_spread);
  if (dice_.permille(swarm_.stall_permille))
    latency += dice_.between(Duration{0}, swarm_.stall_max);
  return latency;
}

std::vector<Write> Disk::finish() {
  for (const Write& write : working_)
    apply(write, durable_);
  return std::exchange(working_, {});
}

Disk::Crash Disk::crash() {
  Crash crash;
  if (!working_.empty() && dice_.coin())
    crash.survived = finish();
  crash.lost = std::exchange(working_, {});
  crash.lost.insert(crash.lost.end(), std::make_move_iterator(queue_.begin()),
                    std::make_move_iterator(queue_.end()));
  queue_.clear();
  return crash;
}

void Disk::heal() {
  full_ = false;
  swarm_ = {.latency_min = std::chrono::microseconds(50),
            .latency_spread = std::chrono::microseconds(200),
            .notice_max = std::chrono::microseconds(20),
            .group_commit = true};
}

}  // namespace troupe::sim
