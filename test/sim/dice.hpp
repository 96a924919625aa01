#pragma once

#include "core/random.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <cstdint>

namespace troupe::sim {

/// Chance, from one seed. Each part of a simulation has its own dice, so that switching one kind
/// of fault off leaves the numbers of all others as they were.
class Dice {
public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  /// The dice of one part: equal seeds and different parts have nothing in common.
  Dice(std::uint64_t seed, std::uint64_t part) : random_(Random(seed).next() ^ (part * odd)) {}

  std::uint64_t next() { return random_.next(); }
  /// In [0, bound). Requires: bound > 0.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
  /// In [low, high].
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + random_.below(high - low + 1);
  }
  Duration between(Duration low, Duration high) {
    return Duration(static_cast<Duration::rep>(between(static_cast<std::uint64_t>(low.count()),
                                                       static_cast<std::uint64_t>(high.count()))));
  }
  bool permille(unsigned chance) { return random_.below(1000) < chance; }
  bool coin() { return (random_.next() & 1) != 0; }
  /// Mostly near `low`, at times as far as `low + spread`: the shape of real delays.
  Duration skewed(Duration low, Duration spread) {
    const Duration first = between(Duration{0}, spread);
    const Duration second = between(Duration{0}, spread);
    const Duration third = between(Duration{0}, spread);
    return low
           + (first < second ? (first < third ? first : third) : (second < third ? second : third));
  }

private:
  static constexpr std::uint64_t odd = 0xD1342543DE82EF95u;
  Random random_;
};

}  // namespace troupe::sim
