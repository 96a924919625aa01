#include "storage/lmdb_store.hpp"

#include "core/assert.hpp"
#include "storage/directory.hpp"
#include "storage/journaled_store.hpp"
#include "storage/lmdb_check.hpp"
#include "storage/lmdb_create.hpp"
#include "storage/lmdb_handles.hpp"
#include "storage/lmdb_log.hpp"
#include "storage/lmdb_reader.hpp"
#include "storage/lmdb_room.hpp"
#include "storage/record.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <utility>

namespace troupe::storage {

namespace {

/// The longest name of a peer, in bytes; LMDB has room for some more in the name of a table.
constexpr std::size_t name_bytes_max = 255;

/// How much is reserved at a time for what a journal holds.
constexpr std::uint64_t reserve_step = std::uint64_t{1} << 20;

class LmdbStore final : public MarkedStore {
public:
  LmdbStore(File lock, Witness witness, Environment environment, const LmdbOptions& options)
      : lock_(std::move(lock)),
        witness_(std::move(witness)),
        environment_(std::move(environment)),
        options_(options),
        file_(data_file(options.directory)),
        room_(file_, options.head_room_bytes) {}

  /// Once, before all else: creates what is missing and reads everything but the logs.
  Problem load();

  Outcome<std::vector<PeerRecord>> peers() override;
  std::optional<StoreError> put_peer(const PeerRecord& peer) override;
  Outcome<Recovered> recover(PeerId peer) override;
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override;
  StoreStats stats() override;
  bool make_room() override;

  std::optional<StoreError> write_upto(std::span<const PeerWrite> writes,
                                       std::uint64_t record) override;
  std::uint64_t last_record() const override { return catalog_.commit.journal; }
  bool reserve(std::uint64_t bytes) override;
  bool is_full() const override { return full_; }

private:
  using Pages = std::map<MDB_dbi, std::uint64_t>;  ///< In use, by table.

  /// One transaction on its way: what will be true once it is committed.
  struct Change {
    MDB_txn* transaction = nullptr;
    std::map<PeerId, PeerState> states{};
    std::map<PeerId, SnapshotHead> snapshots{};
    CatalogPeer new_peer{};
    Meta meta{};
    Pages pages{};  ///< Of the tables that were changed.
    Place place{};  ///< Where we are, for the error.
  };
  /// What a transaction is about to need.
  struct Need {
    Use use = Use::more;
    std::uint64_t bytes = 0;
    Use last_resort() const { return use == Use::more ? Use::last : Use::less; }
  };

  template <class Task>
  Problem transact(Need need, Task task, Change& change);
  template <class Task>
  int attempt(Task task, Change& change);
  Problem fail(int code, const Place& place);
  Problem full() const;
  bool is_disk_full(int code) const;
  bool is_usable();

  std::uint64_t used_bytes() const;
  int create_tables(Change& change);
  int put_peer_in(Change& change, const PeerRecord& peer);
  int update_meta(Change& change);
  int write_in(Change& change, const PeerWrite& write);
  int put_snapshot(Change& change, PeerId peer, const SnapshotHead& head, PeerState& state);
  int put_states(Change& change);
  int put(Change& change, MDB_dbi table, MDB_val key, Value value);
  int count_pages(MDB_txn* transaction, MDB_dbi table, Pages& to);
  int count_all_pages(MDB_txn* transaction);
  void adopt(const Pages& pages);

  File lock_;
  Witness witness_;
  Environment environment_;
  LmdbOptions options_;
  std::string file_;
  Room room_;
  Catalog catalog_{};
  Pages pages_{};
  std::uint64_t pages_used_ = 0;  ///< Of all tables.
  std::uint64_t commits_ = 0;
  std::uint64_t next_record_ = 0;   ///< Of the journal, as the next transaction has it.
  std::uint64_t room_checked_ = 0;  ///< So many bytes in use have room.
  bool full_ = false;               ///< Entries took what was kept for the last, or were refused.
  Problem broken_{};                ///< Why nothing can be written any more.
};

// ---- transactions

/// Runs `task(change)` in a transaction and commits it, again with more room where there was too
/// little.
template <class Task>
Problem LmdbStore::transact(Need need, Task task, Change& change) {
  if (broken_)
    return broken_;
  constexpr int growths_max = 32;  // Each but the last two gave all that was asked for, or half.
  Use use = Use::more;
  int code = MDB_MAP_FULL;
  for (int i = 0; i < growths_max && code == MDB_MAP_FULL; ++i) {
    change = {};
    code = attempt(task, change);
    if (code != MDB_MAP_FULL)
      break;
    const bool grown = room_.grow(2 * need.bytes) == 0;
    if (!grown && std::exchange(use, need.last_resort()) == need.last_resort())
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
    return full();
  if (code != 0)
    return fail(code, change.place);
  adopt(change.pages);
  return broken_;
}

/// Nothing was written, and all goes on.
Problem LmdbStore::full() const {
  return StoreError{StoreError::Kind::no_space, file_ + ": the disk is full"};
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
  const Commit commit{.transaction = id, .journal = next_record_};
  if (const int code = put(change, catalog_.state_table, key.val(), write_commit(commit)))
    return code;
  change.place = {};
  constexpr MDB_dbi free_table = 0;
  constexpr MDB_dbi names_table = 1;
  for (const MDB_dbi table : {free_table, names_table, catalog_.state_table}) {
    if (const int code = count_pages(change.transaction, table, change.pages))
      return code;
  }
  if (const int code = mdb_txn_commit(transaction.release()))
    return code;
  ++commits_;
  catalog_.commit = commit;
  broken_ = witness_.acknowledge(id);
  return 0;
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
  if (code == EIO)
    return room_.is_disk_full();
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
  if (auto problem = room_.open(environment_.get()))
    return problem;
  {
    Transaction transaction;
    if (const int code = begin_read(environment_.get(), transaction))
      return lmdb_error(file_, {}, code);
    if (!Reader(transaction.get(), file_).is_empty() || witness_.acknowledged() > 0) {
      Reader reader(transaction.get(), file_);
      if (auto problem = reader.read_catalog(witness_.acknowledged(), catalog_))
        return problem;
      if (const int code = count_all_pages(transaction.get()))
        return lmdb_error(file_, {}, code);
      next_record_ = catalog_.commit.journal;
      const std::uint64_t id = mdb_txn_id(transaction.get());
      // Commits: only so do its tables stay open.
      if (const int code = mdb_txn_commit(transaction.release()))
        return lmdb_error(file_, {}, code);
      return id > witness_.acknowledged() ? witness_.acknowledge(id) : std::nullopt;
    }
  }
  Change change;
  if (auto problem = transact(
          {}, [this](Change& inner) { return create_tables(inner); }, change))
    return problem;
  catalog_.meta = change.meta;
  return std::nullopt;
}

int LmdbStore::create_tables(Change& change) {
  const std::pair<const std::string&, MDB_dbi&> all[] = {
      {tables::meta, catalog_.meta_table},
      {tables::peers, catalog_.peers_table},
      {tables::state, catalog_.state_table},
      {tables::snapshots, catalog_.snapshots_table},
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
  code = put(change, catalog_.meta_table, to_val(tables::store_key), write_meta(change.meta));
  for (const MDB_dbi table : {catalog_.peers_table, catalog_.meta_table}) {
    if (code == 0)
      code = count_pages(change.transaction, table, change.pages);
  }
  return code;
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
  const Need need{.use = catalog_.peers.contains(peer.id) ? Use::less : Use::more};
  if (auto problem = transact(
          need, [&](Change& inner) { return put_peer_in(inner, peer); }, change))
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
    change.new_peer.state = empty_state(peer.id);
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
  Recovered recovered;
  Reader reader(transaction.get(), file_);
  if (auto problem = reader.read_log(peer->second, &recovered))
    return *problem;
  return recovered;
}

std::optional<StoreError> LmdbStore::write(std::span<const PeerWrite> writes) {
  if (writes.empty())
    return broken_;
  Need need{.use = Use::less};
  for (const PeerWrite& write : writes) {
    for (const Entry& entry : write.write.entries) {
      need.use = Use::more;
      need.bytes += record_size(entry);
    }
  }
  const auto task = [&](Change& change) {
    for (const PeerWrite& write : writes) {
      if (const int code = write_in(change, write))
        return code;
    }
    return put_states(change);
  };
  Change change;
  if (auto problem = transact(need, task, change))
    return problem;
  for (const auto& [id, state] : change.states)
    catalog_.peers.at(id).state = state;
  for (auto& [id, head] : change.snapshots)
    catalog_.peers.at(id).snapshot = std::move(head);
  return std::nullopt;
}

std::optional<StoreError> LmdbStore::write_upto(std::span<const PeerWrite> writes,
                                                std::uint64_t record) {
  next_record_ = record;
  auto problem = write(writes);
  next_record_ = catalog_.commit.journal;
  return problem;
}

int LmdbStore::write_in(Change& change, const PeerWrite& write) {
  const auto found = catalog_.peers.find(write.peer);
  TROUPE_ASSERT(found != catalog_.peers.end());
  const CatalogPeer& peer = found->second;
  PeerState& state = change.states.try_emplace(write.peer, peer.state).first->second;

  state.hard_state = write.write.hard_state;
  if (write.write.snapshot)
    if (const int code = put_snapshot(change, write.peer, *write.write.snapshot, state))
      return code;
  change.place = {.table = tables::log_of(peer.record.name)};
  LogChange log(change.transaction, peer.log, write.peer, state, change.place);
  if (const int code = log.perform(write.write))
    return code;

  TROUPE_ASSERT(state.tail.last.term <= state.hard_state.term);
  const auto snapshot = change.snapshots.find(write.peer);
  const SnapshotHead* head = snapshot != change.snapshots.end() ? &snapshot->second
                             : peer.snapshot                    ? &*peer.snapshot
                                                                : nullptr;
  // What is gone is in a snapshot, and what is in a snapshot was in the log.
  TROUPE_ASSERT(state.before.last.index == Index{}
                || (head != nullptr && head->place.id.index >= state.before.last.index));
  TROUPE_ASSERT(head == nullptr || head->place.id.index <= state.tail.last.index);
  return 0;
}

int LmdbStore::put_snapshot(Change& change, PeerId peer, const SnapshotHead& head,
                            PeerState& state) {
  TROUPE_ASSERT(head.place.id.index > Index{} && head.size_bytes > 0);
  change.place = {.table = tables::snapshots};
  NumberKey key(peer.value);
  const std::vector<std::uint8_t> value = write_snapshot(head);
  if (const int code = put(change, catalog_.snapshots_table, key.val(), value))
    return code;
  state.snapshot_hash = hash_snapshot(value);
  change.snapshots.insert_or_assign(peer, head);
  return count_pages(change.transaction, catalog_.snapshots_table, change.pages);
}

int LmdbStore::put_states(Change& change) {
  for (const auto& [id, state] : change.states) {
    change.place = {.table = tables::state};
    NumberKey key(id.value);
    if (const int code = put(change, catalog_.state_table, key.val(), write_state(id, state)))
      return code;
    const auto known = catalog_.peers.find(id);
    const MDB_dbi log = known == catalog_.peers.end() ? change.new_peer.log : known->second.log;
    if (const int code = count_pages(change.transaction, log, change.pages))
      return code;
  }
  return 0;
}

// ---- sizes

/// How many pages `table` has. Costs nothing for one that the transaction has looked at.
int LmdbStore::count_pages(MDB_txn* transaction, MDB_dbi table, Pages& to) {
  MDB_stat stat{};
  const int code = mdb_stat(transaction, table, &stat);
  to[table] = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  return code;
}

int LmdbStore::count_all_pages(MDB_txn* transaction) {
  constexpr MDB_dbi free_table = 0;
  constexpr MDB_dbi names_table = 1;
  std::vector<MDB_dbi> all = {free_table,           names_table,          catalog_.meta_table,
                              catalog_.peers_table, catalog_.state_table, catalog_.snapshots_table};
  for (const auto& [id, peer] : catalog_.peers)
    all.push_back(peer.log);
  Pages pages;
  for (const MDB_dbi table : all) {
    if (const int code = count_pages(transaction, table, pages))
      return code;
  }
  adopt(pages);
  return 0;
}

void LmdbStore::adopt(const Pages& pages) {
  for (const auto& [table, count] : pages) {
    pages_used_ += count - std::exchange(pages_[table], count);
  }
}

std::uint64_t LmdbStore::used_bytes() const {
  MDB_stat stat{};
  mdb_env_stat(environment_.get(), &stat);
  constexpr std::uint64_t meta_pages = 2;
  return (meta_pages + pages_used_) * stat.ms_psize;
}

StoreStats LmdbStore::stats() {
  return {.file_bytes = file_bytes(file_),
          .used_bytes = used_bytes(),
          .commits = commits_,
          .full = full_};
}

/// An entry may take the pages of a tree's branch besides its own, and those that it replaces are
/// not free at once.
bool LmdbStore::reserve(std::uint64_t bytes) {
  constexpr std::uint64_t per_byte = 3;
  const std::uint64_t wanted = used_bytes() + per_byte * bytes;
  if (wanted <= room_checked_)
    return true;
  if (full_ || !room_.has_room(wanted, reserve_step))
    return false;
  room_checked_ = wanted + reserve_step;
  return room_.limit(Use::more) == 0;
}

bool LmdbStore::make_room() {
  if (!full_ || broken_)
    return true;
  full_ = !room_.has_room(stats().used_bytes);
  if (const int failure = full_ ? 0 : room_.limit(Use::more)) {
    fail(failure, {});
    return false;
  }
  return !full_;
}

/// What stands in the way of opening `options.directory`, as far as a child can find out.
Problem check(const LmdbOptions& options, std::uint64_t acknowledged) {
  return check_in_child(options.directory, {.access = Access::read_locked,
                                            .tables_max = options.peers_max + tables::fixed,
                                            .acknowledged = acknowledged});
}

Outcome<Environment> open_to_write(const LmdbOptions& options) {
  if (auto problem = reserve_lock_file(options.directory))
    return *problem;
  return open_environment(options.directory, {.access = Access::write,
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

  if (present == 0)
    if (auto problem = create_data_file(options.directory))
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
  const bool had_journal =
      store->last_record() > 0 || file_bytes(journal_file(options.directory)) > 0;
  if (options.journal_bytes == 0 && !had_journal)
    return std::unique_ptr<Store>(std::move(store));
  return put_journal_before(std::move(store),
                            {.directory = options.directory, .bytes = options.journal_bytes});
}

}  // namespace troupe::storage
