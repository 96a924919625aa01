#pragma once

/// What LMDB's C handles need to be safe here. Internal to this layer.

#include "storage/store.hpp"

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace troupe::storage {

struct CloseEnvironment {
  void operator()(MDB_env* environment) const { mdb_env_close(environment); }
};
struct AbortTransaction {
  void operator()(MDB_txn* transaction) const { mdb_txn_abort(transaction); }
};
struct CloseCursor {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using Environment = std::unique_ptr<MDB_env, CloseEnvironment>;
/// Aborts unless it is committed.
using Transaction = std::unique_ptr<MDB_txn, AbortTransaction>;
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

/// How a process uses an environment.
enum class Access : std::uint8_t {
  write,        ///< The one process that has the directory.
  read,         ///< Beside the one that writes: a row in lock.mdb keeps its pages from reuse.
  read_locked,  ///< While nobody writes, since the directory is locked: touches no other file.
};

struct EnvironmentOptions {
  Access access = Access::write;
  std::size_t map_bytes = 0;  ///< At least; 0: as large as it was.
  unsigned tables_max = 0;
};

/// Opens `directory`. Looks at no page but the first two of the file.
Outcome<Environment> open_environment(const std::string& directory,
                                      const EnvironmentOptions& options);

// These return LMDB's code, 0 if all is well.
int begin_read(MDB_env* environment, Transaction& to);
int begin_write(MDB_env* environment, Transaction& to);
int open_cursor(MDB_txn* transaction, MDB_dbi table, Cursor& to);

/// Where in an environment something is.
struct Place {
  std::string table{};
  std::optional<std::uint64_t> index{};
};
/// "DIR/data.mdb, table log/peer1, index 17: checksum mismatch"
std::string describe(const std::string& file, const Place& place, const std::string& what);

/// The error that LMDB's `code` stands for.
StoreError lmdb_error(const std::string& file, const Place& place, int code);

/// The file's size as its newest meta page has it.
std::uint64_t needed_bytes(MDB_env* environment);

inline MDB_val to_val(std::span<const std::uint8_t> bytes) {
  return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())};
}
inline MDB_val to_val(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::span<const std::uint8_t> to_span(const MDB_val& value) {
  return {static_cast<const std::uint8_t*>(value.mv_data), value.mv_size};
}
inline std::string to_text(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// A number as a key: big endian, so that LMDB sorts keys as numbers.
class NumberKey {
public:
  explicit NumberKey(std::uint64_t number) {
    for (std::size_t i = 0; i < sizeof(bytes_); ++i)
      bytes_[i] = static_cast<std::uint8_t>(number >> (8 * (sizeof(bytes_) - 1 - i)));
  }
  MDB_val val() { return {sizeof(bytes_), bytes_}; }

private:
  std::uint8_t bytes_[8]{};
};
/// `nullopt` if `key` is not a number.
std::optional<std::uint64_t> number_of(const MDB_val& key);

}  // namespace troupe::storage
