#pragma once

#include "machine/kind.hpp"
#include "shell/settings.hpp"

namespace troupe::shell {

/// `troupe shell`: executes commands from the command line, a pipe or a terminal, with a node of
/// its own or with others. Returns the exit code: 0 if each command was done, or a person watched.
int run_shell(const ShellSettings& settings, const machine::Kinds& kinds);

}  // namespace troupe::shell
