#include "storage/lmdb_store.hpp"

#include "core/assert.hpp"
#include "storage/directory.hpp"
#include "storage/lmdb_check.hpp"
#include "storage/lmdb_handles.hpp"
#include "storage/lmdb_reader.hpp"
#include "storage/record.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <utility>

namespace troupe::storage {

namespace {

/// A record in a log that we read to write behind it was not what we wrote. Beside LMDB's codes,
/// which are negative, and those of the system.
constexpr int record_damaged = 1 << 20;

/// The longest name of a peer, in bytes; LMDB has room for some more in the name of a table.
constexpr std::size_t name_bytes_max = 255;

class LmdbStore final : public Store {
public:
  LmdbStore(File lock, Witness witness, Environment environment, const LmdbOptions& options)
      : lock_(std::move(lock)),
        witness_(std::move(witness)),
        environment_(std::move(environment)),
        options_(options),
        file_(data_file(options.directory)) {}

  /// Once, before all else: creates what is missing and reads everything but the logs.
  Problem load();

  Outcome<std::vector<PeerRecord>> peers() override;
  std::optional<StoreError> put_peer(const PeerRecord& peer) override;
  Outcome<Recovered> recover(PeerId peer) override;
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override;
  StoreStats stats() override;

private:
  /// One transaction on its way: what will be true once it is committed.
  struct Change {
    MDB_txn* transaction = nullptr;
    std::map<PeerId, PeerState> states{};
    CatalogPeer new_peer{};
    Meta meta{};
    Place place{};  ///< Where we are, for the error.
  };

  template <class Task>
  Problem transact(Task task, Change& change);
  template <class Task>
  int attempt(Task task, Change& change);
  int grow_map();
  Problem fail(int code, const Place& place);
  bool is_disk_full(int code) const;
  bool is_usable();

  int create_tables(Change& change);
  int put_peer_in(Change& change, const PeerRecord& peer);
  int update_meta(Change& change);
  int write_in(Change& change, const PeerWrite& write);
  int truncate_in(Change& change, const CatalogPeer& peer, Index from, Tail& tail);
  int append_in(Change& change, const CatalogPeer& peer, const Entry& entry, Tail& tail);
  int put_states(Change& change);
  int put(Change& change, MDB_dbi table, MDB_val key, Value value);

  File lock_;
  Witness witness_;
  Environment environment_;
  LmdbOptions options_;
  std::string file_;
  Catalog catalog_{};
  std::uint64_t commits_ = 0;
  Problem broken_{};  ///< Why nothing can be written any more.
};

// ---- transactions

/// Runs `task(change)` in a transaction and commits it, again with a larger map where the map was
/// too small.
template <class Task>
Problem LmdbStore::transact(Task task, Change& change) {
  if (broken_)
    return broken_;
  constexpr int growths_max = 32;  // Doubling that often exceeds any address space.
  int code = MDB_MAP_FULL;
  for (int i = 0; i < growths_max && code == MDB_MAP_FULL; ++i) {
    change = {};
    code = attempt(task, change);
    if (code == MDB_MAP_FULL)
      if (const int failure = grow_map())
        return fail(failure, {});
  }
  return code == 0 ? std::nullopt : fail(code, change.place);
}

template <class Task>
int LmdbStore::attempt(Task task, Change& change) {
  Transaction transaction;
  if (const int code = begin_write(environment_.get(), transaction))
    return code;
  change.transaction = transaction.get();
  if (const int code = task(change))
    return code;
  const std::uint64_t id = mdb_txn_id(transaction.get());
  change.place = {.table = tables::state};
  NumberKey key(tables::commit_key);
  if (const int code = put(change, catalog_.state_table, key.val(), write_commit(id)))
    return code;
  change.place = {};
  if (const int code = mdb_txn_commit(transaction.release()))
    return code;
  ++commits_;
  witness_.acknowledge(id);
  return 0;
}

/// Requires that no transaction is open.
int LmdbStore::grow_map() {
  MDB_envinfo info{};
  mdb_env_info(environment_.get(), &info);
  return mdb_env_set_mapsize(environment_.get(), 2 * info.me_mapsize);
}

Problem LmdbStore::fail(int code, const Place& place) {
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
bool LmdbStore::is_disk_full(int code) const {
  if (code == EIO) {
    constexpr std::uint64_t free_bytes_min = std::uint64_t{1} << 20;
    struct statvfs status {};
    return ::statvfs(options_.directory.c_str(), &status) == 0
           && std::uint64_t{status.f_bavail} * status.f_frsize < free_bytes_min;
  }
  return code == ENOSPC || code == EDQUOT || code == EFBIG || code == MDB_DBS_FULL;
}

/// Whether what was committed last is what is there, and LMDB would go on: it does not once it
/// failed to write a meta page.
bool LmdbStore::is_usable() {
  Transaction transaction;
  return begin_read(environment_.get(), transaction) == 0
         && (witness_.acknowledged() == 0
             || mdb_txn_id(transaction.get()) == witness_.acknowledged());
}

int LmdbStore::put(Change& change, MDB_dbi table, MDB_val key, Value value) {
  MDB_val data = to_val(value);
  return mdb_put(change.transaction, table, &key, &data, 0);
}

// ---- opening

Problem LmdbStore::load() {
  {
    Transaction transaction;
    if (const int code = begin_read(environment_.get(), transaction))
      return lmdb_error(file_, {}, code);
    if (!Reader(transaction.get(), file_).is_empty() || witness_.acknowledged() > 0) {
      Reader reader(transaction.get(), file_);
      if (auto problem = reader.read_catalog(witness_.acknowledged(), catalog_))
        return problem;
      const std::uint64_t id = mdb_txn_id(transaction.get());
      // Commits: only so do its tables stay open.
      if (const int code = mdb_txn_commit(transaction.release()))
        return lmdb_error(file_, {}, code);
      if (id > witness_.acknowledged())
        witness_.acknowledge(id);
      return std::nullopt;
    }
  }
  Change change;
  if (auto problem = transact([this](Change& inner) { return create_tables(inner); }, change))
    return problem;
  catalog_.meta = change.meta;
  return sync_directory(options_.directory);
}

int LmdbStore::create_tables(Change& change) {
  const std::pair<const std::string&, MDB_dbi&> all[] = {
      {tables::meta, catalog_.meta_table},
      {tables::peers, catalog_.peers_table},
      {tables::state, catalog_.state_table},
  };
  for (const auto& [name, table] : all) {
    change.place = {.table = name};
    if (const int code = mdb_dbi_open(change.transaction, name.c_str(), MDB_CREATE, &table))
      return code;
  }
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  change.meta.created_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
  return update_meta(change);
}

/// Says in `meta` which peers there are as `change` has them.
int LmdbStore::update_meta(Change& change) {
  change.place = {.table = tables::peers};
  Cursor cursor;
  if (const int code = open_cursor(change.transaction, catalog_.peers_table, cursor))
    return code;
  change.meta.peers = 0;
  change.meta.peers_hash = 0;
  MDB_val key{};
  MDB_val value{};
  int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST);
  for (; code == 0; code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
    ++change.meta.peers;
    change.meta.peers_hash = hash_peer(to_span(value), change.meta.peers_hash);
  }
  if (code != MDB_NOTFOUND)
    return code;
  change.place = {.table = tables::meta};
  return put(change, catalog_.meta_table, to_val(tables::store_key), write_meta(change.meta));
}

// ---- peers

Outcome<std::vector<PeerRecord>> LmdbStore::peers() {
  std::map<std::string, PeerRecord> by_name;
  for (const auto& [id, peer] : catalog_.peers)
    by_name.emplace(peer.record.name, peer.record);
  std::vector<PeerRecord> all;
  all.reserve(by_name.size());
  for (auto& [name, record] : by_name)
    all.push_back(std::move(record));
  return all;
}

std::optional<StoreError> LmdbStore::put_peer(const PeerRecord& peer) {
  TROUPE_ASSERT(peer.id != nobody);
  TROUPE_ASSERT(!peer.name.empty() && peer.name.size() <= name_bytes_max);
  for (const auto& [id, known] : catalog_.peers)
    TROUPE_ASSERT((id == peer.id) == (known.record.name == peer.name));

  Change change;
  if (auto problem = transact([&](Change& inner) { return put_peer_in(inner, peer); }, change))
    return problem;
  catalog_.meta = change.meta;
  catalog_.peers[peer.id] = std::move(change.new_peer);
  return std::nullopt;
}

int LmdbStore::put_peer_in(Change& change, const PeerRecord& peer) {
  change.meta = catalog_.meta;
  const auto known = catalog_.peers.find(peer.id);
  if (known != catalog_.peers.end()) {
    change.new_peer = known->second;
  } else {
    change.new_peer.state = {.hard_state = {}, .tail = empty_tail(peer.id)};
    change.states[peer.id] = change.new_peer.state;
    const std::string log = tables::log_of(peer.name);
    change.place = {.table = log};
    if (const int code =
            mdb_dbi_open(change.transaction, log.c_str(), MDB_CREATE, &change.new_peer.log))
      return code;
  }
  change.new_peer.record = peer;
  change.place = {.table = tables::peers};
  if (const int code = put(change, catalog_.peers_table, to_val(peer.name), write_peer(peer)))
    return code;
  if (const int code = update_meta(change))
    return code;
  return put_states(change);
}

// ---- logs

Outcome<Recovered> LmdbStore::recover(PeerId id) {
  const auto peer = catalog_.peers.find(id);
  if (peer == catalog_.peers.end())
    return Recovered{};
  Transaction transaction;
  if (const int code = begin_read(environment_.get(), transaction))
    return lmdb_error(file_, {}, code);
  Recovered recovered{.hard_state = peer->second.state.hard_state};
  Reader reader(transaction.get(), file_);
  if (auto problem = reader.read_log(peer->second, &recovered.entries))
    return *problem;
  return recovered;
}

std::optional<StoreError> LmdbStore::write(std::span<const PeerWrite> writes) {
  if (writes.empty())
    return broken_;
  const auto task = [&](Change& change) {
    for (const PeerWrite& write : writes) {
      if (const int code = write_in(change, write))
        return code;
    }
    return put_states(change);
  };
  Change change;
  if (auto problem = transact(task, change))
    return problem;
  for (const auto& [id, state] : change.states)
    catalog_.peers.at(id).state = state;
  return std::nullopt;
}

int LmdbStore::write_in(Change& change, const PeerWrite& write) {
  const auto found = catalog_.peers.find(write.peer);
  TROUPE_ASSERT(found != catalog_.peers.end());
  const CatalogPeer& peer = found->second;
  PeerState& state = change.states.try_emplace(write.peer, peer.state).first->second;

  state.hard_state = write.write.hard_state;
  if (write.write.truncate_from)
    if (const int code = truncate_in(change, peer, *write.write.truncate_from, state.tail))
      return code;
  for (const Entry& entry : write.write.entries) {
    if (const int code = append_in(change, peer, entry, state.tail))
      return code;
  }
  TROUPE_ASSERT(state.tail.last.term <= state.hard_state.term);
  return 0;
}

int LmdbStore::truncate_in(Change& change, const CatalogPeer& peer, Index from, Tail& tail) {
  TROUPE_ASSERT(from > Index{});
  TROUPE_ASSERT(from <= next(tail.last.index));
  change.place.table = tables::log_of(peer.record.name);
  for (Index index = tail.last.index; index >= from; index = prev(index)) {
    change.place.index = index.value;
    NumberKey number(index.value);
    MDB_val key = number.val();
    if (const int code = mdb_del(change.transaction, peer.log, &key, nullptr))
      return code;
  }
  if (from == Index{1}) {
    tail = empty_tail(peer.record.id);
    return 0;
  }
  change.place.index = prev(from).value;
  NumberKey number(prev(from).value);
  MDB_val key = number.val();
  MDB_val value{};
  if (const int code = mdb_get(change.transaction, peer.log, &key, &value))
    return code;
  StoredEntry last;
  if (read_record(to_span(value), last) || last.id.index != prev(from))
    return record_damaged;
  tail = {.last = last.id, .chain = last.chain};
  return 0;
}

int LmdbStore::append_in(Change& change, const CatalogPeer& peer, const Entry& entry, Tail& tail) {
  TROUPE_ASSERT(entry.id.index == next(tail.last.index));
  TROUPE_ASSERT(entry.id.term >= tail.last.term);
  change.place = {.table = tables::log_of(peer.record.name), .index = entry.id.index.value};
  NumberKey number(entry.id.index.value);
  MDB_val key = number.val();
  MDB_val value{record_size(entry), nullptr};
  // Reserved and filled in place; appended, so that pages fill up instead of being split.
  if (const int code =
          mdb_put(change.transaction, peer.log, &key, &value, MDB_RESERVE | MDB_APPEND))
    return code;
  write_record(entry, tail, {static_cast<std::uint8_t*>(value.mv_data), value.mv_size});
  return 0;
}

int LmdbStore::put_states(Change& change) {
  change.place = {.table = tables::state};
  for (const auto& [id, state] : change.states) {
    NumberKey key(id.value);
    if (const int code = put(change, catalog_.state_table, key.val(), write_state(id, state)))
      return code;
  }
  return 0;
}

StoreStats LmdbStore::stats() {
  StoreStats stats{.file_bytes = file_bytes(file_), .commits = commits_};
  Transaction transaction;
  Cursor cursor;
  constexpr MDB_dbi free_table = 0;
  if (begin_read(environment_.get(), transaction) != 0
      || open_cursor(transaction.get(), free_table, cursor) != 0)
    return stats;
  // Under each transaction that gave pages back: how many, then which.
  std::size_t free = 0;
  MDB_val key{};
  MDB_val value{};
  while (mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT) == 0) {
    std::size_t count = 0;
    std::memcpy(&count, value.mv_data, std::min(sizeof(count), value.mv_size));
    free += count;
  }
  MDB_stat pages{};
  mdb_env_stat(environment_.get(), &pages);
  const std::uint64_t needed = needed_bytes(environment_.get());
  stats.used_bytes = needed - std::min(needed, std::uint64_t{free} * pages.ms_psize);
  return stats;
}

/// What stands in the way of opening `options.directory`, as far as a child can find out.
Problem check(const LmdbOptions& options, std::uint64_t acknowledged) {
  return check_in_child(options.directory, {.access = Access::read_locked,
                                            .tables_max = options.peers_max + tables::fixed,
                                            .acknowledged = acknowledged});
}

Outcome<Environment> open_to_write(const LmdbOptions& options) {
  return open_environment(options.directory, {.access = Access::write,
                                              .map_bytes = options.map_bytes,
                                              .tables_max = options.peers_max + tables::fixed});
}

}  // namespace

Outcome<std::unique_ptr<Store>> open_lmdb_store(const LmdbOptions& options) {
  auto locked = lock_directory(options.directory);
  if (auto* error = std::get_if<StoreError>(&locked))
    return *error;
  auto witness = Witness::open(options.directory);
  if (auto* error = std::get_if<StoreError>(&witness))
    return *error;

  const std::string file = data_file(options.directory);
  const std::uint64_t acknowledged = std::get<Witness>(witness).acknowledged();
  const std::uint64_t present = file_bytes(file);
  if (present == 0 && acknowledged > 0)
    return corrupt(file + ": is missing or empty, though transaction "
                   + std::to_string(acknowledged) + " was acknowledged");
  if (present > 0 && options.check_in_child)
    if (auto problem = check(options, acknowledged))
      return *problem;

  auto opened = open_to_write(options);
  if (auto* error = std::get_if<StoreError>(&opened))
    return *error;
  // To read behind the end of the file would kill us. There is one sound reason for a short file:
  // pages at its end that were taken and given back in one transaction are never written. A child
  // can tell.
  if (present > 0 && !options.check_in_child
      && present < needed_bytes(std::get<Environment>(opened).get()))
    if (auto problem = check(options, acknowledged))
      return *problem;

  auto store = std::make_unique<LmdbStore>(std::move(std::get<File>(locked)),
                                           std::move(std::get<Witness>(witness)),
                                           std::move(std::get<Environment>(opened)), options);
  if (auto problem = store->load())
    return *problem;
  return store;
}

}  // namespace troupe::storage
