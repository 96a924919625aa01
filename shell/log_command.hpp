#pragma once

#include "machine/kind.hpp"
#include "shell/settings.hpp"
#include "storage/lmdb/dump.hpp"

#include <string>
#include <vector>

namespace troupe::shell {

/// A store as JSON: a line for each peer with its hard state, followed by a line for each entry of
/// its log.
std::vector<std::string> lines_of(const storage::StoreDump& dump, const machine::Kinds& kinds);

/// `troupe log dump`: prints a store, also of a node that runs. Returns the exit code.
int dump_log(const LogSettings& settings, const machine::Kinds& kinds);

}  // namespace troupe::shell
