#include "test/bench/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace bench {

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(double part) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted && seen > 0)
      return std::min(largest_in(i), max_);
  }
  return max_;
}

std::uint64_t Histogram::largest_in(std::size_t bucket) {
  if (bucket < 2 * steps)
    return bucket;
  const std::size_t shift = (bucket >> bits) - 1;
  return (((bucket & (steps - 1)) + steps + 1) << shift) - 1;
}

}  // namespace bench
