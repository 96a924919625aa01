#pragma once

#include "test/bench/load.hpp"
#include "test/bench/options.hpp"
#include "test/bench/row.hpp"
#include "test/bench/stage.hpp"
#include "test/bench/workloads.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/// How many calls are in flight, and whose.
struct Pressure {
  std::size_t in_flight = 1;
  std::size_t clients = 1;
};

/// What the command line says, or the three that are compared with others: 1; 64; 1000 of 16.
std::vector<Pressure> pressures(const Options& options);

LoadOptions load_for(const Options& options, const Stage& stage, Pressure pressure);

/// A row without rounds.
Row row_for(const Options& options, const std::string& workload, std::size_t in_flight);

/// Starts the load, warms up, and measures as many rounds as the options say, and before them the
/// floors.
Row measure(const Options& options, Stage& stage, const std::string& workload,
            const LoadOptions& load);

/// Writes each of `keys` once.
void fill(const Options& options, Stage& stage, std::size_t keys);

double seconds_since(Clock::time_point start);

}  // namespace bench
