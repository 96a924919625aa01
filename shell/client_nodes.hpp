#pragma once

#include "actors/client/client.hpp"
#include "shell/interpreter.hpp"
#include "shell/signals.hpp"

namespace troupe::shell {

/// The way to nodes through `client`. Ctrl-C, or the end of the process, ends a wait as its timeout
/// would: what was asked for may still happen. Both arguments must outlive the result.
Nodes nodes_through(actors::Client& client, Signals& signals);

}  // namespace troupe::shell
