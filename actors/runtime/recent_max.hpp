#pragma once

#include "core/types.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::actors {

/// The longest of what took time during the last second or two.
class RecentMax {
public:
  void add(Time now, Duration took) {
    turn_over(now);
    current_ = std::max(current_, took);
  }
  Duration value(Time now) {
    turn_over(now);
    return std::max(current_, previous_);
  }

private:
  void turn_over(Time now) {
    if (now < since_ + span)
      return;
    previous_ = now < since_ + 2 * span ? current_ : Duration::zero();
    current_ = {};
    since_ = now;
  }

  static constexpr Duration span = std::chrono::seconds(1);
  Time since_{};
  Duration current_{};
  Duration previous_{};
};

}  // namespace troupe::actors
