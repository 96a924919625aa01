#pragma once

#include "core/types.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::sim {

/// One peer's monotonic clock: it starts anywhere and runs too fast or too slow.
class Clock {
public:
  Clock() = default;
  Clock(Time real, Time local, std::int64_t rate_permille)
      : real_(real), local_(local), rate_permille_(rate_permille) {}

  Time local(Time real) const { return local_ + (real - real_) * rate_permille_ / 1000; }

  /// The first real moment at which the clock shows `local` or later.
  Time real(Time local) const {
    if (local <= local_)
      return real_;
    return real_ + Time(((local - local_).count() * 1000 + rate_permille_ - 1) / rate_permille_);
  }

  /// From `real` on the clock runs at another rate. It does not jump.
  void set_rate(Time real, std::int64_t rate_permille) {
    local_ = local(real);
    real_ = real;
    rate_permille_ = rate_permille;
  }

  /// At `real` the clock shows another time, and goes on from there.
  void jump(Time real, Duration by) {
    furthest_ = std::max(furthest_, local(real));
    local_ = local(real) + by;
    real_ = real;
  }

  /// When it shows more than ever before. Until then time stands still for who never goes back.
  Time goes_on_at() const { return real(furthest_); }

private:
  Time real_{};
  Time local_{};
  Time furthest_ = Time::min();  ///< That it showed before it jumped.
  std::int64_t rate_permille_ = 1000;
};

}  // namespace troupe::sim
