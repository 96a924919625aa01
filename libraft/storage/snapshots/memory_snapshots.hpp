#pragma once

#include "storage/snapshots/snapshots.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::storage {

/// A disk for snapshots that lives in memory, and outlives what is opened on it. Its faults come to
/// order.
struct MemoryShelf {
  using Content = std::vector<std::uint8_t>;
  struct Peer {
    std::vector<std::pair<SnapshotHead, Content>> finished{};
    std::optional<std::pair<SnapshotHead, Content>> received{};
  };
  std::map<PeerId, Peer> peers{};
  /// The next `begin`, `append`, `finish` or `receive` that would write fails with this.
  std::optional<StoreError> fail_next_write{};

  /// What is finished, to look at or to damage; null if it is not there.
  Content* find(PeerId peer, const SnapshotHead& head);
};

/// Snapshots on `shelf`, which must outlive them.
std::unique_ptr<Snapshots> open_memory_snapshots(MemoryShelf& shelf);

}  // namespace troupe::storage
