#include "storage/lmdb/lmdb_committer.hpp"

#include "storage/lmdb/lmdb_log.hpp"

#include <cerrno>

namespace troupe::storage {

namespace {

/// How much is reserved at a time for what a journal holds.
constexpr std::uint64_t reserve_step = std::uint64_t{1} << 20;

/// LMDB's own tables: of free pages, and of the names of all others.
constexpr MDB_dbi own_tables[] = {0, 1};

}  // namespace

int Change::put(MDB_dbi table, MDB_val key, Value value) const {
  MDB_val data = to_val(value);
  return mdb_put(transaction, table, &key, &data, 0);
}

int Change::count_pages(MDB_dbi table) {
  MDB_stat stat{};
  const int code = mdb_stat(transaction, table, &stat);
  pages[table] = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  return code;
}

Problem Committer::adopt(Transaction transaction, const std::vector<MDB_dbi>& tables) {
  Change change{.transaction = transaction.get()};
  for (const MDB_dbi table : own_tables)
    if (const int code = change.count_pages(table))
      return lmdb_error(file_, {}, code);
  for (const MDB_dbi table : tables)
    if (const int code = change.count_pages(table))
      return lmdb_error(file_, {}, code);
  count(change.pages);
  const std::uint64_t id = mdb_txn_id(transaction.get());
  // Commits: only so do its tables stay open.
  if (const int code = mdb_txn_commit(transaction.release()))
    return lmdb_error(file_, {}, code);
  return id > acknowledged() ? acknowledged_.acknowledge(id) : std::nullopt;
}

// ---- transactions

Problem Committer::commit(Need need, const Task& task) {
  if (broken_)
    return broken_;
  constexpr int growths_max = 32;  // Each but the last two gave all that was asked for, or half.
  const Use last_resort = need.use == Use::more ? Use::last : Use::less;
  Use use = Use::more;
  Change change;
  int code = MDB_MAP_FULL;
  for (int i = 0; i < growths_max && code == MDB_MAP_FULL; ++i) {
    change = {};
    code = attempt(task, change);
    if (code != MDB_MAP_FULL)
      break;
    const bool grown = room_.grow(2 * need.bytes) == 0;
    if (!grown && std::exchange(use, last_resort) == last_resort)
      break;
    if (const int failure = room_.limit(use))
      return fail(failure, {});
  }
  const bool refused = is_disk_full(code) && code != MDB_DBS_FULL;
  full_ = full_ || (need.use == Use::more && (use != Use::more || refused));
  if (use != Use::more)
    if (const int failure = room_.limit(Use::more))
      return fail(failure, {});
  if (code == MDB_MAP_FULL)
    return StoreError{StoreError::Kind::no_space, file_ + ": the disk is full"};
  if (code != 0)
    return fail(code, change.place);
  count(change.pages);
  return broken_;
}

int Committer::attempt(const Task& task, Change& change) {
  Transaction transaction;
  if (const int code = begin_write(environment_.get(), transaction))
    return code;
  change.transaction = transaction.get();
  if (const int code = task(change))
    return code;
  change.place = {};
  for (const MDB_dbi table : own_tables)
    if (const int code = change.count_pages(table))
      return code;
  const std::uint64_t id = mdb_txn_id(transaction.get());
  if (const int code = mdb_txn_commit(transaction.release()))
    return code;
  ++commits_;
  broken_ = acknowledged_.acknowledge(id);
  return 0;
}

Problem Committer::fail(int code, const Place& place) {
  StoreError error = code == record_damaged ? corrupt(describe(file_, place, "checksum mismatch"))
                                            : lmdb_error(file_, place, code);
  if (is_disk_full(code) && is_usable()) {
    error.kind = StoreError::Kind::no_space;
    if (code == EIO)
      error.text += " (the disk is full)";
    return error;
  }
  if (error.kind == StoreError::Kind::no_space)
    error.kind = StoreError::Kind::io;
  broken_ = error;
  return error;
}

/// LMDB reports a write that was cut short, which is how a disk fills up, as any other failure to
/// write.
bool Committer::is_disk_full(int code) const {
  if (code == EIO)
    return room_.is_disk_full();
  return code == ENOSPC || code == EDQUOT || code == EFBIG || code == MDB_DBS_FULL;
}

/// Whether what was committed last is what is there, and LMDB would go on: it does not once it
/// failed to write a meta page.
bool Committer::is_usable() const {
  Transaction transaction;
  return begin_read(environment_.get(), transaction) == 0
         && (acknowledged() == 0 || mdb_txn_id(transaction.get()) == acknowledged());
}

// ---- sizes

void Committer::count(const Pages& pages) {
  for (const auto& [table, count] : pages)
    pages_used_ += count - std::exchange(pages_[table], count);
}

std::uint64_t Committer::used_bytes() const {
  MDB_stat stat{};
  mdb_env_stat(environment_.get(), &stat);
  constexpr std::uint64_t meta_pages = 2;
  return (meta_pages + pages_used_) * stat.ms_psize;
}

StoreStats Committer::stats() const {
  return {.file_bytes = file_bytes(file_),
          .used_bytes = used_bytes(),
          .commits = commits_,
          .full = full_};
}

/// An entry may take the pages of a tree's branch besides its own, and those that it replaces are
/// not free at once.
bool Committer::reserve(std::uint64_t bytes) {
  constexpr std::uint64_t per_byte = 3;
  const std::uint64_t wanted = used_bytes() + per_byte * bytes;
  if (wanted <= room_checked_)
    return true;
  if (full_ || !room_.has_room(wanted, reserve_step))
    return false;
  room_checked_ = wanted + reserve_step;
  return room_.limit(Use::more) == 0;
}

bool Committer::make_room() {
  if (!full_ || broken_)
    return true;
  full_ = !room_.has_room(used_bytes());
  if (const int failure = full_ ? 0 : room_.limit(Use::more)) {
    fail(failure, {});
    return false;
  }
  return !full_;
}

}  // namespace troupe::storage
