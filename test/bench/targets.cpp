#include "test/bench/targets.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

namespace bench {
namespace {

enum class Aim : std::uint8_t { at_most, at_least };

struct Target {
  std::string_view workload{};
  std::size_t in_flight = 0;  ///< Of any row, where the workload has but one.
  std::string_view client{};
  std::string_view figure{};
  Aim aim = Aim::at_most;
  double bound = 0;
};

constexpr std::string_view remote = "remote";
constexpr std::string_view embedded = "embedded";

/// At the options' defaults, with two cores for nodes and clients.
constexpr std::array targets = {
    Target{"write", 1, remote, "p50_to_floor", Aim::at_most, 1.5},
    Target{"write", 1, remote, "cpu_us_per_op", Aim::at_most, 400},
    Target{"write", 64, remote, "ops_per_s", Aim::at_least, 60'000},
    Target{"write", 64, remote, "cpu_us_per_op", Aim::at_most, 25},
    Target{"write", 1000, remote, "ops_per_s", Aim::at_least, 120'000},
    Target{"write", 1000, remote, "cpu_us_per_op", Aim::at_most, 10},
    Target{"write", 1000, remote, "syncs_per_op", Aim::at_most, 0.02},
    Target{"write", 64, embedded, "ops_per_s", Aim::at_least, 80'000},
    Target{"write", 1000, embedded, "ops_per_s", Aim::at_least, 200'000},
    Target{"read_linearizable", 64, remote, "ops_per_s", Aim::at_least, 100'000},
    Target{"read_linearizable", 64, remote, "cpu_us_per_op", Aim::at_most, 10},
    Target{"read_linearizable", 1000, remote, "ops_per_s", Aim::at_least, 250'000},
    Target{"read_linearizable", 1000, remote, "cpu_us_per_op", Aim::at_most, 4},
    Target{"failover_kill", 64, remote, "p50_us", Aim::at_most, 250'000},
    Target{"failover_kill", 64, remote, "p99_us", Aim::at_most, 500'000},
    Target{"failover_stop", 64, remote, "p99_us", Aim::at_most, 30'000},
    Target{"catch_up_lagging", 0, remote, "ops_per_s", Aim::at_least, 200'000},
    Target{"catch_up_empty", 0, remote, "ops_per_s", Aim::at_least, 200'000},
    Target{"restart_snapshot", 0, remote, "serving_after_s", Aim::at_most, 1},
    Target{"restart_log", 0, remote, "serving_after_s", Aim::at_most, 4},
    Target{"endurance_10", 0, remote, "p99_to_first", Aim::at_most, 1.2},
    Target{"store_10", 0, remote, "p99_to_first", Aim::at_most, 1.2},
    Target{"store_10", 0, remote, "disk_to_live", Aim::at_most, 2},
    Target{"busy", 0, remote, "elections", Aim::at_most, 0},
    Target{"idle_1000", 0, remote, "cpu_percent_of_a_core", Aim::at_most, 3},
    Target{"idle_1000", 0, remote, "kb_per_peer", Aim::at_most, 30},
};

bool speaks_of(const Row& row, const Target& target) {
  return row.workload == target.workload && row.client == target.client
         && (target.in_flight == 0 || row.in_flight == target.in_flight);
}

std::optional<double> measured(const Row& row, const Target& target) {
  std::vector<double> values;
  for (const Figures& round : row.rounds)
    if (const auto found = round.find(std::string(target.figure)); found != round.end())
      values.push_back(found->second);
  if (values.empty())
    return std::nullopt;
  return median(std::move(values));
}

std::string line(const Row& row, const Target& target, double value) {
  const bool met = target.aim == Aim::at_most ? value <= target.bound : value >= target.bound;
  std::string what(target.workload);
  if (target.in_flight != 0)
    what += ", " + std::to_string(row.in_flight) + " in flight";
  if (target.client == embedded)
    what += ", embedded";
  char text[160];
  std::snprintf(text, sizeof text, "%-6s  %-36s %-20s %12.6g  %s %g", met ? "met" : "MISSED",
                what.c_str(), std::string(target.figure).c_str(), value,
                target.aim == Aim::at_most ? "at most" : "at least", target.bound);
  return text;
}

}  // namespace

std::vector<std::string> against_targets(const std::vector<Row>& rows) {
  std::vector<std::string> lines;
  for (const Target& target : targets)
    for (const Row& row : rows)
      if (const auto value = speaks_of(row, target) ? measured(row, target) : std::nullopt)
        lines.push_back(line(row, target, *value));
  return lines;
}

}  // namespace bench
