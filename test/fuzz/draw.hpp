#pragma once

#include "test/fuzz/target.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace troupe::fuzz {

/// Reads an input as a sequence of choices. Behind its end all choices are 0.
class Draw {
public:
  explicit Draw(Input rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty())
      return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  /// In [0, bound). Requires: 0 < bound <= 256.
  unsigned below(unsigned bound) { return byte() % bound; }
  bool chance() { return (byte() & 1) != 0; }

  std::uint64_t word() {
    std::uint64_t all = 0;
    for (int i = 0; i < 8; ++i)
      all = all << 8 | byte();
    return all;
  }
  /// Mostly small, so that it often meets what is there; at times at the end of all numbers.
  std::uint64_t number() {
    const std::uint8_t first = byte();
    if (first < 240)
      return first % 24;
    if (first < 248)
      return std::numeric_limits<std::uint64_t>::max() >> (first - 240);
    return word();
  }
  /// At most `size_max` bytes of what is left.
  Input take(std::size_t size_max) {
    const Input taken = rest_.first(std::min(rest_.size(), size_max));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  Input rest() const { return rest_; }

private:
  Input rest_;
};

}  // namespace troupe::fuzz
