#pragma once

#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/record.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace troupe::storage {

/// What a transaction does to the room there is.
enum class Use : std::uint8_t {
  more,  ///< Writes entries: refused in time.
  last,  ///< Writes entries that were on their way when it was noticed that there is no more.
  less,  ///< Only removes them, or replaces what is small.
};

/// The disk that belongs to the file of an environment before anything is written there. Internal
/// to this layer.
///
/// The map is never larger than what is reserved. So LMDB finds that it is full in the midst of a
/// transaction, in memory, and not when it writes; and it finds so while there is head-room left:
/// a copy-on-write tree needs pages even to delete. Pages at the end of the file that were never
/// written are reserved, too.
///
/// On a file system that cannot reserve, or that writes a page in another place each time, the
/// disk may be full nevertheless: then LMDB fails to write, and nothing was written, either.
class Room {
public:
  Room(std::string file, std::uint64_t head_room) : file_(std::move(file)), head_room_(head_room) {}

  /// Once, when `environment` is open. A full disk is no error: what is there can be read.
  Problem open(MDB_env* environment);
  /// Reserves more: `wanted` bytes if there are so many, and if not, then fewer. 0, or ENOSPC.
  /// Requires that no transaction is open.
  int grow(std::uint64_t wanted);
  /// Lets transactions use all that is theirs. Requires that no transaction is open.
  int limit(Use use);
  /// Whether entries have room again, where `used` bytes are in use and `more` are to come:
  /// reserves what is missing.
  bool has_room(std::uint64_t used, std::uint64_t more = 0);
  /// Whether a write may have failed for want of space.
  bool is_disk_full() const;

private:
  int reserve(std::uint64_t upto);
  std::uint64_t kept_from(Use use) const;

  std::string file_;
  std::uint64_t head_room_;
  File open_{};
  MDB_env* environment_ = nullptr;
  std::uint64_t reserved_ = 0;
  bool can_reserve_ = true;
};

/// Reserves what LMDB writes to `lock.mdb` in `directory` through its map, where a full disk would
/// kill us. Before LMDB opens it, and while nobody else has it open.
Problem reserve_lock_file(const std::string& directory);

}  // namespace troupe::storage
