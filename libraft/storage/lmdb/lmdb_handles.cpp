#include "storage/lmdb/lmdb_handles.hpp"

#include "core/assert.hpp"
#include "storage/descriptors.hpp"
#include "storage/directory.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace troupe::storage {

namespace {

constexpr mdb_mode_t file_mode = 0600;

/// Transactions belong to themselves and not to the thread that began them: the actor that owns
/// the store may run on any.
unsigned flags_of(Access access) {
  switch (access) {
    case Access::write:
      return MDB_NOTLS;
    case Access::read:
      return MDB_NOTLS | MDB_RDONLY;
    case Access::read_locked:
      return MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK;
  }
  return MDB_NOTLS | MDB_RDONLY;
}

StoreError::Kind kind_of(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:  // A limit of the process or the file system; as good as full.
    case MDB_MAP_FULL:
      return StoreError::Kind::no_space;
    case MDB_VERSION_MISMATCH:
      return StoreError::Kind::version;
    case MDB_BAD_VALSIZE:
    case MDB_CORRUPTED:
    case MDB_CURSOR_FULL:
    case MDB_INCOMPATIBLE:
    case MDB_INVALID:
    case MDB_KEYEXIST:
    case MDB_NOTFOUND:
    case MDB_PAGE_NOTFOUND:
      return StoreError::Kind::corrupt;
    default:
      return StoreError::Kind::io;
  }
}

/// LMDB follows links itself.
bool is_link(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

}  // namespace

Outcome<Environment> open_environment(const std::string& directory,
                                      const EnvironmentOptions& options) {
  const std::string file = data_file(directory);
  if (options.access == Access::write && is_link(file))
    return system_error(file, "open", ELOOP);
  if (options.access != Access::read_locked && is_link(lock_file(directory)))
    return system_error(lock_file(directory), "open", ELOOP);
  const OccupiedDescriptors occupied;
  MDB_env* created = nullptr;
  int code = mdb_env_create(&created);
  Environment environment(created);
  if (code == 0)
    code = mdb_env_set_maxdbs(created, options.tables_max);
  if (code == 0 && options.map_bytes > 0)
    code = mdb_env_set_mapsize(created, options.map_bytes);
  if (code == 0)
    code = mdb_env_open(created, directory.c_str(), flags_of(options.access), file_mode);
  if (code != 0)
    return lmdb_error(file, {}, code);
  int number = -1;
  mdb_env_get_fd(created, &number);
  TROUPE_ASSERT(number >= standard_descriptors);
  return environment;
}

int begin_read(MDB_env* environment, Transaction& to) {
  MDB_txn* begun = nullptr;
  int code = mdb_txn_begin(environment, nullptr, MDB_RDONLY, &begun);
  if (code == MDB_MAP_RESIZED) {
    // The process that writes has grown the map; take its size.
    code = mdb_env_set_mapsize(environment, 0);
    if (code == 0)
      code = mdb_txn_begin(environment, nullptr, MDB_RDONLY, &begun);
  }
  to.reset(begun);
  return code;
}

int begin_write(MDB_env* environment, Transaction& to) {
  MDB_txn* begun = nullptr;
  const int code = mdb_txn_begin(environment, nullptr, 0, &begun);
  to.reset(begun);
  return code;
}

int open_cursor(MDB_txn* transaction, MDB_dbi table, Cursor& to) {
  MDB_cursor* opened = nullptr;
  const int code = mdb_cursor_open(transaction, table, &opened);
  to.reset(opened);
  return code;
}

std::string describe(const std::string& file, const Place& place, const std::string& what) {
  std::string text = file;
  if (!place.table.empty())
    text += ", table " + place.table;
  if (place.index)
    text += ", index " + std::to_string(*place.index);
  return text + ": " + what;
}

StoreError lmdb_error(const std::string& file, const Place& place, int code) {
  return {kind_of(code), describe(file, place, mdb_strerror(code))};
}

std::uint64_t needed_bytes(MDB_env* environment) {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(environment, &info);
  mdb_env_stat(environment, &stat);
  return (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
}

std::optional<std::uint64_t> number_of(const MDB_val& key) {
  if (key.mv_size != sizeof(std::uint64_t))
    return std::nullopt;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : to_span(key))
    number = number << 8 | byte;
  return number;
}

}  // namespace troupe::storage
