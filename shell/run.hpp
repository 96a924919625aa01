#pragma once

#include "machine/kind.hpp"

namespace troupe {

/// A whole program around `kinds`: `node`, `shell` and `log dump`, as `PROGRAM --help` says. To be
/// returned from `main`, which should have started no thread before: signals are waited for here.
///
/// Exit codes: 0 done, 1 not done, 2 the command line makes no sense.
int run(int argc, char** argv, machine::Kinds kinds);

using machine::kinds;

}  // namespace troupe
