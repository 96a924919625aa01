#pragma once

#include "actors/node/node.hpp"
#include "machine/kind.hpp"
#include "shell/settings.hpp"

#include <memory>

namespace troupe::shell {

/// Starts the node that `settings` describe, and its log. Null, after a line on stderr that says
/// why, if that can't be.
std::unique_ptr<actors::Node> start_node(const NodeSettings& settings, machine::Kinds kinds);

/// Stops `node` in order. False, after a line on stderr, if its disk had failed.
bool stop_node(actors::Node& node);

/// `troupe node`: runs a node until a signal or a failed disk ends it. Returns the exit code.
int run_node(const NodeSettings& settings, machine::Kinds kinds);

}  // namespace troupe::shell
