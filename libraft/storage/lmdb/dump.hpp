#pragma once

#include "core/recovered.hpp"
#include "storage/store.hpp"

#include <string>
#include <vector>

namespace troupe::storage {

/// All that a store holds, at one moment.
struct StoreDump {
  struct Peer {
    PeerRecord record{};
    Recovered recovered{};
  };
  std::vector<Peer> peers{};  ///< By name.
};

/// Reads the LMDB store in `directory`, checked like `Store::recover`, and changes nothing there.
/// To read is enough: only where a node is at work lock.mdb must be writable.
/// Also while a node writes to it, but never in that node's own process: LMDB's locks cannot tell
/// the two apart. All of it is in memory then; meant for tools.
Outcome<StoreDump> read_store(const std::string& directory);

}  // namespace troupe::storage
