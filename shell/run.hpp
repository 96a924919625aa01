#pragma once

#include "machine/kind.hpp"

namespace troupe {

/// A whole program around `kinds`: `node`, `shell` and `log dump`, as `PROGRAM --help` says. To be
/// returned from `main`, which should have started no thread before: signals are waited for here.
/// Call it first: a hangup that comes before ends the process, even that of a node.
/// Closed ones of the descriptors 0, 1 and 2 are opened on /dev/null first; signals that ask for
/// nothing, such as SIGUSR1, are ignored unless `main` has set a handler.
///
/// Exit codes: 0 done, 1 not done, 2 the command line makes no sense.
int run(int argc, char** argv, machine::Kinds kinds);

using machine::kinds;

}  // namespace troupe
