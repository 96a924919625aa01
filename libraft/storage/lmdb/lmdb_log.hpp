#pragma once

/// Changes to the log of one peer inside a transaction. Internal to this layer.

#include "core/output.hpp"
#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/record.hpp"

#include <vector>

namespace troupe::storage {

/// A record in a log that we read to write behind it was not what we wrote. Beside LMDB's codes,
/// which are negative, and those of the system.
inline constexpr int record_damaged = 1 << 20;

class LogChange {
public:
  /// Changes `table`, the log of `peer`, and `state` with it. `place` is where it is, for an error.
  LogChange(MDB_txn* transaction, MDB_dbi table, PeerId peer, PeerState& state, Place& place)
      : transaction_(transaction), table_(table), peer_(peer), state_(state), place_(place) {}

  /// What `write` asks of the log. Returns LMDB's code, or `record_damaged`; 0 if all is well.
  int perform(const Write& write);

private:
  int restart(EntryId last);
  int truncate_from(Index from);
  int append(const Entry& entry);
  int append_holes(const std::vector<Entry>& entries, std::size_t& at);
  int release(const std::vector<Index>& released);
  int release_range(Index first, Index last);
  int begin_holes(Index first, Holes& to);
  int cut_before(Index first);

  int find(Index index, StoredEntry& to);
  int read_at(MDB_cursor_op where, StoredEntry& to);
  int read(const MDB_val& key, const MDB_val& value, StoredEntry& to);
  int put(const Holes& holes);
  int del(Index key);

  MDB_txn* transaction_;
  MDB_dbi table_;
  PeerId peer_;
  PeerState& state_;
  Place& place_;
};

}  // namespace troupe::storage
