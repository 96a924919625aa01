#pragma once

#include "test/sim/shrink.hpp"
#include "test/sim/swarm.hpp"

#include <functional>
#include <optional>

namespace troupe::sim {

/// Does `work` in a process of its own, so that one that dies or spins is a failure like any other.
/// What it says on its way is not shown.
std::optional<Failure> in_child(const std::function<std::optional<Failure>()>& work);

/// Runs a cluster there.
std::optional<Failure> run_in_child(const Swarm& swarm);

}  // namespace troupe::sim
