#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

/// Counts of durations in nanoseconds, exact to one in 64.
class Histogram {
public:
  void add(std::uint64_t nanoseconds) {
    ++buckets_[bucket_of(nanoseconds)];
    ++count_;
    max_ = nanoseconds > max_ ? nanoseconds : max_;
  }
  void add(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  /// The smallest value that at least `part` (0 to 1) of all do not exceed; 0 if there are none.
  std::uint64_t quantile(double part) const;

private:
  static constexpr std::size_t bits = 6;
  static constexpr std::uint64_t steps = std::uint64_t{1} << bits;  ///< In each power of two.

  /// Numbers below `steps` have a bucket each; above, their first seven bits choose it.
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < steps)
      return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - bits - 1;
    return (shift << bits) + (value >> shift);
  }
  static std::uint64_t largest_in(std::size_t bucket);

  std::array<std::uint64_t, (65 - bits) * steps> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace bench
