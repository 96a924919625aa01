#pragma once

#include "core/types.hpp"
#include "shell/interpreter.hpp"
#include "shell/signals.hpp"

#include <string>

namespace troupe::shell {

/// Whether each peer that runs at `address` and has a cluster knows its leader and, if it leads,
/// has committed all that it found in its log. A node that was just started is not there yet.
bool is_settled(const Nodes& nodes, const std::string& address);

/// Waits until it is, or `at_most`, or for a signal: the others of a cluster may not be there.
void wait_until_settled(const Nodes& nodes, const std::string& address, Signals& signals,
                        Duration at_most);

}  // namespace troupe::shell
