#include "actors/runtime/long_tasks.hpp"

#include <algorithm>

namespace troupe::actors {
namespace {

/// Far below a heartbeat; what a few hundred commands of a common resource take.
constexpr Duration long_task = std::chrono::microseconds(500);

constexpr Duration pause_min = std::chrono::milliseconds(100);
constexpr Duration pause_max = std::chrono::seconds(60);

}  // namespace

void LongTasks::note(Duration took, Time now) {
  if (took < long_task)
    return;
  // After as long without one as it last stayed away it begins anew.
  const bool again = now < away_until_ + pause_;
  pause_ = again ? std::min(2 * pause_, pause_max) : pause_min;
  away_until_ = now + pause_;
}

}  // namespace troupe::actors
