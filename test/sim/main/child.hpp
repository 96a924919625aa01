#pragma once

#include "test/sim/shrink.hpp"
#include "test/sim/swarm.hpp"

#include <optional>

namespace troupe::sim {

/// Runs a cluster in a process of its own, so that one that dies or spins is a failure like any
/// other. What it says on its way is not shown.
std::optional<Failure> run_in_child(const Swarm& swarm);

}  // namespace troupe::sim
