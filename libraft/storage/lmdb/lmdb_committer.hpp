#pragma once

/// What all transactions that write to an environment have in common. Internal to this layer.

#include "storage/acknowledged.hpp"
#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/lmdb/lmdb_room.hpp"
#include "storage/record.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

using Pages = std::map<MDB_dbi, std::uint64_t>;  ///< In use, by table.

/// One transaction on its way. What returns a number returns LMDB's code, 0 if all is well.
struct Change {
  MDB_txn* transaction = nullptr;
  Pages pages{};  ///< Of the tables that it changed.
  Place place{};  ///< Where it is, for an error.

  int put(MDB_dbi table, MDB_val key, Value value) const;
  /// To be called for each table that was changed, at last: costs nothing then.
  int count_pages(MDB_dbi table);
};

/// What a transaction is about to need.
struct Need {
  Use use = Use::more;
  std::uint64_t bytes = 0;
};

/// Commits transactions, one at a time: synced, recorded as acknowledged, and again with more room
/// where there was too little. Where a disk fails, nothing is committed any more.
class Committer {
public:
  using Task = std::function<int(Change&)>;

  Committer(AcknowledgedFile acknowledged, Environment environment, const std::string& file,
            std::uint64_t head_room_bytes)
      : acknowledged_(std::move(acknowledged)),
        environment_(std::move(environment)),
        file_(file),
        room_(file, head_room_bytes) {}

  /// Once, before all else.
  Problem open() { return room_.open(environment_.get()); }
  /// Once, where there was a store: ends the transaction that has read it, and opened `tables`,
  /// which stay open. An older one is refused from here on.
  Problem adopt(Transaction transaction, const std::vector<MDB_dbi>& tables);

  /// Does `task` in a transaction, in several until there is room for it, and commits the last.
  /// After `no_space` nothing was written, and all goes on.
  Problem commit(Need need, const Task& task);

  /// Whether so much of a journal's is sure to find room later.
  bool reserve(std::uint64_t bytes);
  /// Whether entries have room, as far as anybody knows. Looks for some where they had none.
  bool make_room();
  /// Entries took what was kept for the last, or were refused.
  bool is_full() const { return full_; }

  MDB_env* environment() const { return environment_.get(); }
  const std::string& file() const { return file_; }
  std::uint64_t acknowledged() const { return acknowledged_.number(); }
  /// Why nothing can be committed any more.
  const Problem& broken() const { return broken_; }
  StoreStats stats() const;

private:
  int attempt(const Task& task, Change& change);
  Problem fail(int code, const Place& place);
  bool is_disk_full(int code) const;
  bool is_usable() const;
  void count(const Pages& pages);
  std::uint64_t used_bytes() const;

  AcknowledgedFile acknowledged_;
  Environment environment_;
  std::string file_;
  Room room_;
  Pages pages_{};
  std::uint64_t pages_used_ = 0;    ///< Of all tables.
  std::uint64_t room_checked_ = 0;  ///< So many bytes in use have room.
  std::uint64_t commits_ = 0;
  bool full_ = false;
  Problem broken_{};
};

}  // namespace troupe::storage
