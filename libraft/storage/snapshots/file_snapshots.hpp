#pragma once

#include "storage/snapshots/snapshots.hpp"

#include <memory>
#include <string>

namespace troupe::storage {

/// The snapshots in `directory/snapshots`, a directory for each peer in it and a file for each
/// snapshot. What a crash left unfinished of the peers' own is removed; what they were receiving is
/// there to go on with. Leaves some space of the disk to the logs: `no_space` comes before that.
///
/// Requires: `directory` is locked by us, by the store that is open in it.
Outcome<std::unique_ptr<Snapshots>> open_snapshots(const std::string& directory);

}  // namespace troupe::storage
