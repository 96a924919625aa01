#include "test/bench/targets.hpp"

#include <doctest/doctest.h>

namespace bench {
namespace {

Row row(const char* workload, std::size_t in_flight, std::vector<Figures> rounds) {
  return {.workload = workload,
          .in_flight = in_flight,
          .client = "remote",
          .rounds = std::move(rounds)};
}

TEST_CASE("a target is met or missed by the median of the rounds") {
  const auto met = against_targets({row("write", 1, {{{"cpu_us_per_op", 300.0}}})});
  const auto missed = against_targets(
      {row("write", 1,
           {{{"cpu_us_per_op", 300.0}}, {{"cpu_us_per_op", 500.0}}, {{"cpu_us_per_op", 600.0}}})});

  REQUIRE(met.size() == 1);
  CHECK(met[0].starts_with("met"));
  REQUIRE(missed.size() == 1);
  CHECK(missed[0].starts_with("MISSED"));
  CHECK(missed[0].find("500") != std::string::npos);
}

TEST_CASE("what has no target, or was not measured, has no line") {
  CHECK(against_targets({row("write", 7, {{{"cpu_us_per_op", 1.0}}})}).empty());
  CHECK(against_targets({row("write", 1, {})}).empty());
}

TEST_CASE("a rate must be at least its target") {
  const auto lines = against_targets({row("write", 64, {{{"ops_per_s", 70'000.0}}})});

  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("met"));
}

}  // namespace
}  // namespace bench
