#pragma once

#include "core/types.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace troupe::actors {

/// When to tell listeners of something that changes often, if only the last news counts and each
/// listener costs the same. Few are told at once. The more there are, the longer news is gathered:
/// while a thousand peers start one by one, all are told some dozen times, not a thousand.
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
  /// To tell one costs some ten microseconds, so that takes no more than a tenth of the time.
  static constexpr Duration per_listener = std::chrono::microseconds(100);

  bool waits_ = false;
};

}  // namespace troupe::actors
