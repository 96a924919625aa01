#pragma once

#include "test/sim/marks.hpp"
#include "test/sim/swarm.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace troupe::sim {

/// A range of seeds, and how many processes share it.
struct Batch {
  std::uint64_t from = 1;
  std::uint64_t seeds = 0;
  unsigned jobs = 1;
  Extent extent = Extent::whole;
  /// Every so many seeds one is run twice, and both runs must be the same.
  std::uint64_t twice_every = 100;
  bool until_violated = false;  ///< Seeds behind the first that fails need not be run.
  bool quiet = false;           ///< Does not say which seeds fail, nor what dies with its seed.
};

struct BatchResult {
  std::uint64_t seeds = 0;  ///< That came to an end.
  std::uint64_t events = 0;
  double simulated_s = 0;
  double seconds = 0;
  double cpu_seconds = 0;                   ///< Of all processes together.
  std::vector<std::uint64_t> violations{};  ///< Seeds, sorted.
  Marks marks{};
};

/// Runs the batch in child processes, so that an assertion that fails costs one child and names
/// its seed. `progress` is called about once a second.
BatchResult run_batch(const Batch& batch, const std::function<void(const BatchResult&)>& progress);

}  // namespace troupe::sim
