#pragma once

/// One committed state of an environment, read and checked. Used by the process that
/// writes, by the child that tries first, and by tools that only look. Internal to this
/// layer.

#include "core/recovered.hpp"
#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/record.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace troupe::storage {

/// The tables that are always there, and how logs are called.
namespace tables {
inline const std::string meta = "meta";
inline const std::string peers = "peers";
inline const std::string state = "state";
inline const std::string snapshots = "snapshots";
inline std::string log_of(const std::string& peer) {
  return "log/" + peer;
}
/// The one key of `meta`.
inline const std::string store_key = "store";
/// The key of the commit record in `state`; no peer has this id.
inline constexpr std::uint64_t commit_key = 0;
inline constexpr unsigned fixed = 4;
}  // namespace tables

/// All that is known of a peer without reading its log.
struct CatalogPeer {
  PeerRecord record{};
  MDB_dbi log = 0;
  PeerState state{};
  std::optional<SnapshotHead> snapshot{};
};

struct Catalog {
  MDB_dbi meta_table = 0;
  MDB_dbi peers_table = 0;
  MDB_dbi state_table = 0;
  MDB_dbi snapshots_table = 0;
  Meta meta{};
  Commit commit{};
  std::map<PeerId, CatalogPeer> peers{};
};

/// The place that a reader is about to read, for the process that survives it. In shared memory.
struct Progress {
  char table[300] = {};
  std::uint64_t index = 0;  ///< 0: none in particular.
};

class Reader {
public:
  /// Reads what `transaction` sees; `file` is what errors call it.
  Reader(MDB_txn* transaction, std::string file, Progress* progress = nullptr)
      : transaction_(transaction), file_(std::move(file)), progress_(progress) {}

  /// Whether nobody has ever put anything there.
  bool is_empty() const;

  /// Everything but the logs. An error if this state is older than the transaction that was
  /// `acknowledged`. The tables are open in `to` once the transaction commits.
  Problem read_catalog(std::uint64_t acknowledged, Catalog& to);

  /// The log of `peer`, from where its state says that it begins to where that says that it ends.
  /// Puts it into `to`, with all else that there is to recover, if that is given.
  Problem read_log(const CatalogPeer& peer, Recovered* to);

private:
  void move_to(std::string table);
  void move_to_index(std::uint64_t index);
  Problem located(Problem problem) const;
  Problem fail(const std::string& what) const { return located(corrupt(what)); }
  Problem fail(int code) const { return lmdb_error(file_, place_, code); }

  Problem open_table(const std::string& name, MDB_dbi& to);
  /// Calls `visit(key, value)` for all in `table`, in order, as long as it returns no problem.
  template <class Visit>
  Problem for_each(MDB_dbi table, Visit visit);
  Problem check_order(MDB_dbi table, const MDB_val& previous, MDB_val key, const MDB_val& value);

  Problem read_meta_table(Catalog& to);
  Problem read_commit_record(Catalog& to);
  Problem read_peers(Catalog& to);
  Problem count_tables(std::size_t peers);
  Problem read_states(Catalog& to);
  Problem read_snapshots(Catalog& to);
  Problem check_beginning(const CatalogPeer& peer);
  Problem check_end(const CatalogPeer& peer, const Tail& tail, std::uint64_t holes);

  MDB_txn* transaction_;
  std::string file_;
  Progress* progress_;
  Place place_{};
};

}  // namespace troupe::storage
