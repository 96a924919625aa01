#pragma once

#include "core/types.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace troupe::actors {

/// When to tell many of what changes often, if each who is told costs the same, and only the last
/// news counts. Few are told at once. The more there are the longer news is gathered for them: who
/// starts a thousand peers one by one tells all of them some dozen times, not a thousand.
class Gathering {
public:
  /// There is news for so many. How long to wait until they are told, if nobody waits yet.
  std::optional<Duration> news_for(std::size_t listeners) {
    if (std::exchange(waits_, true))
      return std::nullopt;
    return listeners <= few ? Duration::zero()
                            : per_listener * static_cast<Duration::rep>(listeners);
  }
  void told() { waits_ = false; }

private:
  static constexpr std::size_t few = 16;
  /// What it costs to tell one is some ten microseconds, and no more than a tenth of the time goes
  /// into that.
  static constexpr Duration per_listener = std::chrono::microseconds(100);

  bool waits_ = false;
};

}  // namespace troupe::actors
