#include "test/bench/histogram.hpp"

#include <doctest/doctest.h>

using bench::Histogram;

TEST_CASE("a quantile is off by at most one in 64, and never above the largest") {
  Histogram histogram;
  for (std::uint64_t i = 1; i <= 100'000; ++i)
    histogram.add(i * 1000);

  for (const double part : {0.5, 0.99, 0.999}) {
    const double exact = part * 100'000 * 1000;
    const auto told = static_cast<double>(histogram.quantile(part));
    CHECK(told >= exact);
    CHECK(told <= exact * (1 + 1.0 / 64));
  }
  CHECK(histogram.quantile(1) == 100'000'000);
  CHECK(histogram.max() == 100'000'000);
}

TEST_CASE("small and huge durations have their place") {
  Histogram histogram;
  CHECK(histogram.quantile(0.5) == 0);

  histogram.add(0);
  histogram.add(63);
  histogram.add(64);
  histogram.add(~std::uint64_t{0});

  CHECK(histogram.quantile(0.25) == 0);
  CHECK(histogram.quantile(0.5) == 63);
  CHECK(histogram.quantile(0.75) == 64);
  CHECK(histogram.quantile(1) == ~std::uint64_t{0});
}

TEST_CASE("the sum of two histograms holds what both held") {
  Histogram one;
  Histogram other;
  one.add(10);
  other.add(20);
  other.add(30);

  one.add(other);

  CHECK(one.count() == 3);
  CHECK(one.quantile(0.5) == 20);
  CHECK(one.max() == 30);
}
