#pragma once

#include "core/types.hpp"
#include "test/sim/variation.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace troupe::sim {

struct Failure {
  std::string what{};
  std::optional<Time> at{};  ///< Unknown if the process died.
};

/// What is left of a failure's words when numbers are taken for alike.
std::string kind_of(const Failure& failure);

/// Runs a cluster. Nothing: all was well.
using Run = std::function<std::optional<Failure>(const Swarm&)>;

struct Shrunk {
  Variation variation{};
  Failure failure{};
  std::size_t runs = 0;
};

/// Leaves out of a failing run what can be left out: kinds of faults, peers, clients, time. What
/// remains fails in the same way. Nothing if the run of `swarm` itself does not fail.
std::optional<Shrunk> shrink(const Swarm& swarm, const Run& run, std::size_t runs_max = 2000);

}  // namespace troupe::sim
