#include "storage/lmdb/lmdb_store.hpp"

#include "core/assert.hpp"
#include "storage/acknowledged.hpp"
#include "storage/directory.hpp"
#include "storage/journal/journaled_store.hpp"
#include "storage/lmdb/lmdb_check.hpp"
#include "storage/lmdb/lmdb_committer.hpp"
#include "storage/lmdb/lmdb_create.hpp"
#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/lmdb/lmdb_log.hpp"
#include "storage/lmdb/lmdb_reader.hpp"
#include "storage/lmdb/lmdb_room.hpp"
#include "storage/record.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace troupe::storage {

namespace {

/// The longest name of a peer, in bytes; LMDB has room for some more in the name of a table.
constexpr std::size_t name_bytes_max = 255;

class LmdbStore final : public MarkedStore {
public:
  LmdbStore(File lock, AcknowledgedFile acknowledged, Environment environment,
            const LmdbOptions& options)
      : lock_(std::move(lock)),
        committer_(std::move(acknowledged), std::move(environment), data_file(options.directory),
                   options.head_room_bytes) {}

  /// Once, before all else: creates what is missing and reads everything but the logs.
  Problem load();

  Outcome<std::vector<PeerRecord>> peers() override;
  std::optional<StoreError> put_peer(const PeerRecord& peer) override;
  std::optional<StoreError> delete_peer(PeerId peer) override;
  Outcome<Recovered> recover(PeerId peer) override;
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override;
  StoreStats stats() override { return committer_.stats(); }
  bool make_room() override { return committer_.make_room(); }

  std::optional<StoreError> write_upto(std::span<const PeerWrite> writes,
                                       std::uint64_t record) override;
  std::uint64_t last_record() const override { return catalog_.commit.journal; }
  bool reserve(std::uint64_t bytes) override { return committer_.reserve(bytes); }
  bool is_full() const override { return committer_.is_full(); }

private:
  /// What will be true once a change is committed.
  struct Pending {
    std::map<PeerId, PeerState> states{};
    std::map<PeerId, SnapshotHead> snapshots{};
    CatalogPeer new_peer{};
    Meta meta{};
  };
  template <class Task>
  Problem commit(Need need, std::uint64_t record, Pending& pending, Task task);

  Problem read_catalog(Transaction transaction);
  std::vector<MDB_dbi> all_tables() const;
  int create_tables(Change& change, Pending& pending);
  int put_peer_in(Change& change, Pending& pending, const PeerRecord& peer);
  int delete_peer_in(Change& change, Pending& pending, PeerId id, const std::string& name);
  void open_log_again(CatalogPeer& peer);
  int update_meta(Change& change, Meta& meta);
  int write_in(Change& change, Pending& pending, const PeerWrite& write);
  int put_snapshot(Change& change, Pending& pending, PeerId peer, const SnapshotHead& head);
  int put_states(Change& change, const Pending& pending);

  File lock_;
  Committer committer_;
  Catalog catalog_{};
};

/// Does `task` in a transaction that says to be the last that knows of the journal's `record`.
template <class Task>
Problem LmdbStore::commit(Need need, std::uint64_t record, Pending& pending, Task task) {
  Commit commit{.transaction = 0, .journal = record};
  const auto all = [&](Change& change) {
    pending = {};
    if (const int code = task(change))
      return code;
    commit.transaction = mdb_txn_id(change.transaction);
    change.place = {.table = tables::state};
    NumberKey key(tables::commit_key);
    const int code = change.put(catalog_.state_table, key.val(), write_commit(commit));
    return code != 0 ? code : change.count_pages(catalog_.state_table);
  };
  if (auto problem = committer_.commit(need, all))
    return problem;
  catalog_.commit = commit;
  return std::nullopt;
}

// ---- opening

Problem LmdbStore::load() {
  if (auto problem = committer_.open())
    return problem;
  Transaction transaction;
  if (const int code = begin_read(committer_.environment(), transaction))
    return lmdb_error(committer_.file(), {}, code);
  Reader reader(transaction.get(), committer_.file());
  if (!reader.is_empty() || committer_.acknowledged() > 0) {
    if (auto problem = reader.read_catalog(committer_.acknowledged(), catalog_))
      return problem;
    return committer_.adopt(std::move(transaction), all_tables());
  }
  transaction.reset();
  Pending pending;
  if (auto problem =
          commit({}, 0, pending, [&](Change& change) { return create_tables(change, pending); }))
    return problem;
  catalog_.meta = pending.meta;
  return std::nullopt;
}

std::vector<MDB_dbi> LmdbStore::all_tables() const {
  std::vector<MDB_dbi> all = {catalog_.meta_table, catalog_.peers_table, catalog_.state_table,
                              catalog_.snapshots_table};
  for (const auto& [id, peer] : catalog_.peers)
    all.push_back(peer.log);
  return all;
}

int LmdbStore::create_tables(Change& change, Pending& pending) {
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
  pending.meta.created_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
  return update_meta(change, pending.meta);
}

/// Says in `meta` which peers there are, as `change` has them.
int LmdbStore::update_meta(Change& change, Meta& meta) {
  change.place = {.table = tables::peers};
  Cursor cursor;
  if (const int code = open_cursor(change.transaction, catalog_.peers_table, cursor))
    return code;
  meta.peers = 0;
  meta.peers_hash = 0;
  MDB_val key{};
  MDB_val value{};
  int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST);
  for (; code == 0; code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
    ++meta.peers;
    meta.peers_hash = hash_peer(to_span(value), meta.peers_hash);
  }
  if (code != MDB_NOTFOUND)
    return code;
  change.place = {.table = tables::meta};
  code = change.put(catalog_.meta_table, to_val(tables::store_key), write_meta(meta));
  for (const MDB_dbi table : {catalog_.peers_table, catalog_.meta_table}) {
    if (code == 0)
      code = change.count_pages(table);
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

  Pending pending;
  const Need need{.use = catalog_.peers.contains(peer.id) ? Use::less : Use::more};
  if (auto problem = commit(need, last_record(), pending,
                            [&](Change& change) { return put_peer_in(change, pending, peer); }))
    return problem;
  catalog_.meta = pending.meta;
  catalog_.peers[peer.id] = std::move(pending.new_peer);
  return std::nullopt;
}

int LmdbStore::put_peer_in(Change& change, Pending& pending, const PeerRecord& peer) {
  pending.meta = catalog_.meta;
  const auto known = catalog_.peers.find(peer.id);
  if (known != catalog_.peers.end()) {
    pending.new_peer = known->second;
  } else {
    pending.new_peer.state = empty_state(peer.id);
    pending.states[peer.id] = pending.new_peer.state;
    const std::string log = tables::log_of(peer.name);
    change.place = {.table = log};
    if (const int code =
            mdb_dbi_open(change.transaction, log.c_str(), MDB_CREATE, &pending.new_peer.log))
      return code;
  }
  pending.new_peer.record = peer;
  change.place = {.table = tables::peers};
  if (const int code = change.put(catalog_.peers_table, to_val(peer.name), write_peer(peer)))
    return code;
  if (const int code = update_meta(change, pending.meta))
    return code;
  return put_states(change, pending);
}

std::optional<StoreError> LmdbStore::delete_peer(PeerId id) {
  const auto known = catalog_.peers.find(id);
  TROUPE_ASSERT(known != catalog_.peers.end());
  CatalogPeer& peer = known->second;
  Pending pending;
  const auto task = [&](Change& change) {
    return delete_peer_in(change, pending, id, peer.record.name);
  };
  if (auto problem = commit({.use = Use::less}, last_record(), pending, task)) {
    if (!committer_.broken())
      open_log_again(peer);
    return problem;
  }
  catalog_.meta = pending.meta;
  catalog_.peers.erase(known);
  return std::nullopt;
}

int LmdbStore::delete_peer_in(Change& change, Pending& pending, PeerId id,
                              const std::string& name) {
  pending.meta = catalog_.meta;
  // A table that was dropped is closed, also if the transaction then fails and is tried again.
  const std::string log_name = tables::log_of(name);
  MDB_dbi log = 0;
  change.place = {.table = log_name};
  if (const int code = mdb_dbi_open(change.transaction, log_name.c_str(), 0, &log))
    return code;
  if (const int code = mdb_drop(change.transaction, log, 1))
    return code;
  change.pages[log] = 0;
  NumberKey number(id.value);
  const std::pair<MDB_dbi, MDB_val> rows[] = {{catalog_.state_table, number.val()},
                                              {catalog_.snapshots_table, number.val()},
                                              {catalog_.peers_table, to_val(name)}};
  for (auto [table, key] : rows) {
    const int code = mdb_del(change.transaction, table, &key, nullptr);
    if (code != 0 && code != MDB_NOTFOUND)
      return code;
  }
  if (const int code = change.count_pages(catalog_.snapshots_table))
    return code;
  return update_meta(change, pending.meta);
}

/// The peer stays after all.
void LmdbStore::open_log_again(CatalogPeer& peer) {
  Transaction transaction;
  MDB_dbi log = 0;
  if (begin_write(committer_.environment(), transaction) != 0
      || mdb_dbi_open(transaction.get(), tables::log_of(peer.record.name).c_str(), 0, &log) != 0
      || mdb_txn_commit(transaction.release()) != 0)
    return;  // Whatever is asked of it next fails, and says so.
  peer.log = log;
}

// ---- logs

Outcome<Recovered> LmdbStore::recover(PeerId id) {
  const auto peer = catalog_.peers.find(id);
  if (peer == catalog_.peers.end())
    return Recovered{};
  Transaction transaction;
  if (const int code = begin_read(committer_.environment(), transaction))
    return lmdb_error(committer_.file(), {}, code);
  Recovered recovered;
  Reader reader(transaction.get(), committer_.file());
  if (auto problem = reader.read_log(peer->second, &recovered))
    return *problem;
  return recovered;
}

std::optional<StoreError> LmdbStore::write(std::span<const PeerWrite> writes) {
  return write_upto(writes, last_record());
}

std::optional<StoreError> LmdbStore::write_upto(std::span<const PeerWrite> writes,
                                                std::uint64_t record) {
  if (writes.empty())
    return committer_.broken();
  Need need{.use = Use::less};
  for (const PeerWrite& write : writes) {
    for (const Entry& entry : write.write.entries) {
      need.use = Use::more;
      need.bytes += record_size(entry);
    }
  }
  Pending pending;
  const auto task = [&](Change& change) {
    for (const PeerWrite& write : writes) {
      if (const int code = write_in(change, pending, write))
        return code;
    }
    return put_states(change, pending);
  };
  if (auto problem = commit(need, record, pending, task))
    return problem;
  for (const auto& [id, state] : pending.states)
    catalog_.peers.at(id).state = state;
  for (auto& [id, head] : pending.snapshots)
    catalog_.peers.at(id).snapshot = std::move(head);
  return std::nullopt;
}

int LmdbStore::write_in(Change& change, Pending& pending, const PeerWrite& write) {
  const auto found = catalog_.peers.find(write.peer);
  TROUPE_ASSERT(found != catalog_.peers.end());
  const CatalogPeer& peer = found->second;
  PeerState& state = pending.states.try_emplace(write.peer, peer.state).first->second;

  state.hard_state = write.write.hard_state;
  if (write.write.snapshot)
    if (const int code = put_snapshot(change, pending, write.peer, *write.write.snapshot))
      return code;
  change.place = {.table = tables::log_of(peer.record.name)};
  LogChange log(change.transaction, peer.log, write.peer, state, change.place);
  if (const int code = log.perform(write.write))
    return code;

  TROUPE_ASSERT(state.tail.last.term <= state.hard_state.term);
  const auto snapshot = pending.snapshots.find(write.peer);
  const SnapshotHead* head = snapshot != pending.snapshots.end() ? &snapshot->second
                             : peer.snapshot                     ? &*peer.snapshot
                                                                 : nullptr;
  // What is gone is in a snapshot, and what is in a snapshot was in the log.
  TROUPE_ASSERT(state.before.last.index == Index{}
                || (head != nullptr && head->place.id.index >= state.before.last.index));
  TROUPE_ASSERT(head == nullptr || head->place.id.index <= state.tail.last.index);
  return 0;
}

int LmdbStore::put_snapshot(Change& change, Pending& pending, PeerId peer,
                            const SnapshotHead& head) {
  TROUPE_ASSERT(head.place.id.index > Index{} && head.size_bytes > 0);
  change.place = {.table = tables::snapshots};
  NumberKey key(peer.value);
  const std::vector<std::uint8_t> value = write_snapshot(head);
  if (const int code = change.put(catalog_.snapshots_table, key.val(), value))
    return code;
  pending.states.at(peer).snapshot_hash = hash_snapshot(value);
  pending.snapshots.insert_or_assign(peer, head);
  return change.count_pages(catalog_.snapshots_table);
}

int LmdbStore::put_states(Change& change, const Pending& pending) {
  for (const auto& [id, state] : pending.states) {
    change.place = {.table = tables::state};
    NumberKey key(id.value);
    if (const int code = change.put(catalog_.state_table, key.val(), write_state(id, state)))
      return code;
    const auto known = catalog_.peers.find(id);
    const MDB_dbi log = known == catalog_.peers.end() ? pending.new_peer.log : known->second.log;
    if (const int code = change.count_pages(log))
      return code;
  }
  return 0;
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
  auto acknowledged_file = AcknowledgedFile::open(options.directory);
  if (auto* error = std::get_if<StoreError>(&acknowledged_file))
    return *error;

  const std::string file = data_file(options.directory);
  const std::uint64_t acknowledged = std::get<AcknowledgedFile>(acknowledged_file).number();
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
                                           std::move(std::get<AcknowledgedFile>(acknowledged_file)),
                                           std::move(std::get<Environment>(opened)), options);
  if (auto problem = store->load())
    return *problem;
  const auto in_journal = read_acknowledged(options.directory, acknowledged_of_journal);
  if (const auto* error = std::get_if<StoreError>(&in_journal))
    return *error;
  const bool had_journal = store->last_record() > 0 || std::get<std::uint64_t>(in_journal) > 0
                           || file_bytes(journal_file(options.directory)) > 0;
  if (options.journal_bytes == 0 && !had_journal)
    return std::unique_ptr<Store>(std::move(store));
  return put_journal_before(std::move(store),
                            {.directory = options.directory, .bytes = options.journal_bytes});
}

}  // namespace troupe::storage
