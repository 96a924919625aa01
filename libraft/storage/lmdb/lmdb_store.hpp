#pragma once

#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe::storage {

struct LmdbOptions {
  /// Created if missing, with all that is above it. One process at a time.
  std::string directory{};
  /// How much of the disk is kept for what makes room when there is none left. The file's own
  /// room is reserved ahead of it, a mebibyte at first.
  std::uint64_t head_room_bytes = std::uint64_t{4} << 20;
  /// The number of peers that the environment has room for; `no_space` beyond it.
  unsigned peers_max = 2048;
  /// The size of a journal in front of LMDB: a write is durable after one sync of it, and reaches
  /// LMDB later, with many others. 0: none, and each write is a transaction of LMDB, with two
  /// syncs. No more than a sixteenth of what is free when it is created. A store that has a journal
  /// keeps it, and its size.
  std::uint64_t journal_bytes = std::uint64_t{32} << 20;
  /// Before the environment is opened, a child process reads all of it: a corrupt
  /// page can kill a process that maps it.
  bool check_in_child = true;
};

/// A store in one LMDB environment: `directory/data.mdb`, beside it `lock.mdb` (LMDB's own),
/// `LOCK` (who has it) and `ACKNOWLEDGED` (how far it was acknowledged). The layout is described in
/// docs/storage.md and `record.fbs`. Every commit is synced before it returns.
///
/// To copy a store, stop its node, and take all of the directory: the journal belongs to it. To go
/// back to an older copy on purpose, put that in the place of all that is there; do so for a whole
/// cluster or for none of its peers, because the peer forgets votes and entries that it has
/// promised to keep.
Outcome<std::unique_ptr<Store>> open_lmdb_store(const LmdbOptions& options);

}  // namespace troupe::storage
