#pragma once

#include "storage/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::storage {

/// A disk that lives in memory, and outlives the stores opened on it. Its faults come to order.
struct MemoryDisk {
  std::map<std::string, PeerRecord> peers{};
  std::map<PeerId, Recovered> logs{};
  std::uint64_t commits = 0;
  /// The next write or `put_peer` fails with this, and changes nothing. `no_space` passes; after
  /// any other the store that met it is broken, and the disk must be opened again.
  std::optional<StoreError> fail_next_write{};
  bool full = false;             ///< As `StoreStats` has it.
  bool refuses_entries = false;  ///< Writes with entries fail with `no_space`, and all beside them.
};

/// A store on `disk`, which must outlive it.
std::unique_ptr<Store> open_memory_store(MemoryDisk& disk);

/// Applies one write to a log in memory: what any store must come to.
void apply(const Write& write, Recovered& log);

}  // namespace troupe::storage
