#include "test/sim/disk.hpp"

#include "core/assert.hpp"

#include <chrono>
#include <iterator>
#include <utility>

namespace troupe::sim {

void apply(const Write& write, Recovered& durable) {
  durable.hard_state = write.hard_state;
  if (write.truncate_from) {
    TROUPE_ASSERT(write.truncate_from->value >= 1);
    TROUPE_ASSERT(write.truncate_from->value <= durable.entries.size() + 1);
    durable.entries.resize(write.truncate_from->value - 1);
  }
  for (const Entry& entry : write.entries) {
    TROUPE_ASSERT(entry.id.index.value == durable.entries.size() + 1);
    durable.entries.push_back(entry);
  }
}

std::optional<Duration> Disk::begin() {
  if (!working_.empty() || queue_.empty())
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
  swarm_ = {.latency_min = std::chrono::microseconds(50),
            .latency_spread = std::chrono::microseconds(200),
            .notice_max = std::chrono::microseconds(20),
            .group_commit = true};
}

}  // namespace troupe::sim
