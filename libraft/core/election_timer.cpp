#include "core/election_timer.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// Of elections that double the pause before the next: up to thirty timeouts.
constexpr int doublings_max = 5;

}  // namespace

ElectionTimer::ElectionTimer(const EngineOptions& options)
    : timeout_min_(options.election_timeout_min),
      timeout_max_(options.election_timeout_max),
      heartbeat_(options.heartbeat_interval),
      random_(options.seed) {}

void ElectionTimer::reset(Time now, Waits waits) {
  const Duration spread = timeout_max_ - timeout_min_;
  const auto extra = random_.below(static_cast<std::uint64_t>(spread.count()));
  const int doublings = waits == Waits::outsider    ? outsider_elections_
                        : waits == Waits::candidate ? vain_candidacies_
                                                    : 0;
  timeout_ = timeout_min_ + Duration(static_cast<Duration::rep>(extra))
             + timeout_max_ * ((1 << doublings) - 1);
  deadline_ = now + timeout_;
}

void ElectionTimer::restart(Time now) {
  deadline_ = std::max(deadline_, now + timeout_);
}

void ElectionTimer::hasten(Time now) {
  if (!heard_leader_at_)
    return;
  const auto beat = static_cast<std::uint64_t>(heartbeat_.count());
  const Duration extra(static_cast<Duration::rep>(beat / 4 + random_.below(beat - beat / 4)));
  const Time free = std::max(now, *heard_leader_at_ + timeout_min_);
  deadline_ = std::min(deadline_, free + extra);
}

void ElectionTimer::defer(Time now) {
  deadline_ = std::max(deadline_, now + heartbeat_ / 2);
}

bool ElectionTimer::is_bound(Time now) const {
  return heard_leader_at_ && now - *heard_leader_at_ < timeout_min_;
}

void ElectionTimer::candidacy_failed() {
  vain_candidacies_ = std::min(vain_candidacies_ + 1, doublings_max);
}

void ElectionTimer::called_election(Waits waits) {
  outsider_elections_ =
      waits == Waits::outsider ? std::min(outsider_elections_ + 1, doublings_max) : 0;
}

}  // namespace troupe
