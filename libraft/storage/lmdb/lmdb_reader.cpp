#include "storage/lmdb/lmdb_reader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe::storage {

namespace {

/// LMDB's own table of the names of all others, which is always open.
constexpr MDB_dbi names_table = 1;

/// As LMDB compares keys.
bool is_less(const MDB_val& a, const MDB_val& b) {
  const auto left = to_span(a);
  const auto right = to_span(b);
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
}

void append_to(std::vector<Entry>& entries, const StoredEntry& entry) {
  if (entry.kind != EntryKind::released) {
    entries.push_back(
        {.id = entry.id, .kind = entry.kind, .payload = Bytes::copy_of(entry.payload)});
    return;
  }
  EntryId id = entry.id;
  for (const TermRun& run : entry.holes.terms) {
    id.term = run.term;
    for (std::uint64_t i = 0; i < run.count; ++i, id.index = next(id.index))
      entries.push_back({.id = id, .kind = EntryKind::released, .payload = {}});
  }
}

}  // namespace

bool Reader::is_empty() const {
  MDB_stat stat{};
  return mdb_stat(transaction_, names_table, &stat) == 0 && stat.ms_entries == 0;
}

void Reader::move_to(std::string table) {
  place_ = {.table = std::move(table)};
  if (progress_ == nullptr)
    return;
  const std::size_t size = std::min(place_.table.size(), sizeof(progress_->table) - 1);
  std::memcpy(progress_->table, place_.table.data(), size);
  progress_->table[size] = '\0';
  progress_->index = 0;
}

void Reader::move_to_index(std::uint64_t index) {
  place_.index = index;
  if (progress_ != nullptr)
    progress_->index = index;
}

Problem Reader::located(Problem problem) const {
  if (problem)
    problem->text = describe(file_, place_, problem->text);
  return problem;
}

Problem Reader::open_table(const std::string& name, MDB_dbi& to) {
  move_to(name);
  const int code = mdb_dbi_open(transaction_, name.c_str(), 0, &to);
  if (code == MDB_NOTFOUND)
    return fail("is missing");
  if (code != 0)
    return fail(code);
  unsigned flags = 0;
  mdb_dbi_flags(transaction_, to, &flags);
  return flags == 0 ? std::nullopt : fail("has flags that we do not use");
}

/// That keys ascend, and that `key` is found where it is: a branch page that leads elsewhere does
/// no harm to a reader of everything in order, but to one that looks for one key.
Problem Reader::check_order(MDB_dbi table, const MDB_val& previous, MDB_val key,
                            const MDB_val& value) {
  if (previous.mv_size > 0 && !is_less(previous, key))
    return fail("keys out of order");
  MDB_val found{};
  const int code = mdb_get(transaction_, table, &key, &found);
  if (code == MDB_NOTFOUND || (code == 0 && found.mv_data != value.mv_data))
    return fail("a key is not where it is looked for");
  return code == 0 ? std::nullopt : fail(code);
}

template <class Visit>
Problem Reader::for_each(MDB_dbi table, Visit visit) {
  Cursor cursor;
  if (const int code = open_cursor(transaction_, table, cursor))
    return fail(code);
  MDB_val key{};
  MDB_val value{};
  MDB_val previous{};
  std::size_t count = 0;
  int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST);
  for (; code == 0; code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
    if (auto problem = check_order(table, previous, key, value))
      return problem;
    if (auto problem = visit(key, value))
      return problem;
    previous = key;
    ++count;
  }
  if (code != MDB_NOTFOUND)
    return fail(code);

  MDB_stat stat{};
  mdb_stat(transaction_, table, &stat);
  if (count != stat.ms_entries)
    return fail("holds " + std::to_string(count) + " values, " + std::to_string(stat.ms_entries)
                + " were written");
  return std::nullopt;
}

Problem Reader::read_catalog(std::uint64_t acknowledged, Catalog& to) {
  const std::uint64_t transaction = mdb_txn_id(transaction_);
  move_to({});
  if (transaction < acknowledged)
    return fail("ends with transaction " + std::to_string(transaction) + ", but "
                + std::to_string(acknowledged)
                + " was acknowledged: damaged, or an older copy (see ACKNOWLEDGED beside it)");
  if (is_empty())
    return fail("holds no store");
  if (auto problem = read_meta_table(to))
    return problem;
  if (auto problem = open_table(tables::state, to.state_table))
    return problem;
  if (auto problem = read_commit_record(to))
    return problem;
  if (auto problem = read_peers(to))
    return problem;
  if (auto problem = count_tables(to.peers.size()))
    return problem;
  if (auto problem = read_states(to))
    return problem;
  return read_snapshots(to);
}

Problem Reader::read_meta_table(Catalog& to) {
  if (auto problem = open_table(tables::meta, to.meta_table))
    return problem;
  bool found = false;
  auto problem = for_each(to.meta_table, [&](const MDB_val& key, const MDB_val& value) -> Problem {
    if (to_text(key) != tables::store_key)
      return fail("unknown key");
    found = true;
    return located(read_meta(to_span(value), to.meta));
  });
  if (problem)
    return problem;
  return found ? std::nullopt : fail("holds no format");
}

Problem Reader::read_commit_record(Catalog& to) {
  NumberKey commit(tables::commit_key);
  MDB_val key = commit.val();
  MDB_val value{};
  if (const int code = mdb_get(transaction_, to.state_table, &key, &value))
    return fail(code);
  if (auto problem = located(read_commit(to_span(value), to.commit)))
    return problem;
  if (to.commit.transaction != mdb_txn_id(transaction_))
    return fail("was written by transaction " + std::to_string(to.commit.transaction) + ", not by "
                + std::to_string(mdb_txn_id(transaction_)) + ": a meta page is damaged");
  return std::nullopt;
}

Problem Reader::read_peers(Catalog& to) {
  if (auto problem = open_table(tables::peers, to.peers_table))
    return problem;
  std::uint64_t hash = 0;
  auto problem = for_each(to.peers_table, [&](const MDB_val& key, const MDB_val& value) -> Problem {
    CatalogPeer peer;
    if (auto bad = located(read_peer(to_span(value), peer.record)))
      return bad;
    if (peer.record.name != to_text(key))
      return fail("a peer under the name of another");
    hash = hash_peer(to_span(value), hash);
    const PeerId id = peer.record.id;
    if (!to.peers.emplace(id, std::move(peer)).second)
      return fail("two peers of one id");
    return std::nullopt;
  });
  if (problem)
    return problem;
  if (to.peers.size() != to.meta.peers || hash != to.meta.peers_hash)
    return fail("not the peers that were written");
  return std::nullopt;
}

Problem Reader::count_tables(std::size_t peers) {
  move_to({});
  std::size_t count = 0;
  if (auto problem = for_each(names_table, [&](const MDB_val&, const MDB_val&) -> Problem {
        ++count;
        return std::nullopt;
      }))
    return problem;
  if (count != tables::fixed + peers)
    return fail("holds " + std::to_string(count) + " tables for " + std::to_string(peers)
                + " peers");
  return std::nullopt;
}

Problem Reader::read_states(Catalog& to) {
  for (auto& [id, peer] : to.peers) {
    if (auto problem = open_table(tables::log_of(peer.record.name), peer.log))
      return problem;
  }
  move_to(tables::state);
  std::size_t count = 0;
  auto problem = for_each(to.state_table, [&](const MDB_val& key, const MDB_val& value) -> Problem {
    const auto id = number_of(key);
    if (id == tables::commit_key)
      return std::nullopt;
    const auto peer = id ? to.peers.find({*id}) : to.peers.end();
    if (peer == to.peers.end())
      return fail("a state of an unknown peer");
    ++count;
    return located(read_state(to_span(value), peer->first, peer->second.state));
  });
  if (problem)
    return problem;
  return count == to.peers.size() ? std::nullopt : fail("a peer has no state");
}

Problem Reader::read_snapshots(Catalog& to) {
  if (auto problem = open_table(tables::snapshots, to.snapshots_table))
    return problem;
  auto problem =
      for_each(to.snapshots_table, [&](const MDB_val& key, const MDB_val& value) -> Problem {
        const auto id = number_of(key);
        const auto peer = id ? to.peers.find({*id}) : to.peers.end();
        if (peer == to.peers.end())
          return fail("a snapshot of an unknown peer");
        if (hash_snapshot(to_span(value)) != peer->second.state.snapshot_hash)
          return fail("not the snapshot that was written of " + peer->second.record.name);
        SnapshotHead head;
        if (auto bad = located(read_snapshot(to_span(value), head)))
          return bad;
        peer->second.snapshot = std::move(head);
        return std::nullopt;
      });
  if (problem)
    return problem;
  for (const auto& [id, peer] : to.peers) {
    if (peer.state.snapshot_hash != 0 && !peer.snapshot)
      return fail("the snapshot of " + peer.record.name + " is missing");
  }
  return std::nullopt;
}

/// What was cut must be in a snapshot.
Problem Reader::check_beginning(const CatalogPeer& peer) {
  const Tail& before = peer.state.before;
  if (before.last.index == Index{})
    return before == empty_tail(peer.record.id) ? std::nullopt
                                                : fail("does not begin at its start");
  if (!peer.snapshot || peer.snapshot->place.id.index < before.last.index)
    return fail("begins behind " + std::to_string(before.last.index.value)
                + ", without a snapshot of what was before");
  return std::nullopt;
}

Problem Reader::read_log(const CatalogPeer& peer, Recovered* to) {
  move_to(tables::log_of(peer.record.name));
  if (auto problem = check_beginning(peer))
    return problem;
  const Tail& end = peer.state.tail;
  if (to != nullptr)
    *to = {.hard_state = peer.state.hard_state,
           .before = peer.state.before.last,
           .entries = {},
           .snapshot = peer.snapshot};
  Tail tail = peer.state.before;
  std::uint64_t holes = 0;
  auto problem = for_each(peer.log, [&](const MDB_val& key, const MDB_val& value) -> Problem {
    const Index expected = next(tail.last.index);
    move_to_index(expected.value);
    const auto index = number_of(key);
    if (!index || *index != expected.value)
      return fail("is missing; the next in the table is " + std::to_string(index.value_or(0)));
    StoredEntry entry;
    if (auto bad = located(read_record(to_span(value), entry)))
      return bad;
    if (auto bad = located(follow(entry, tail)))
      return bad;
    if (tail.last.index > end.last.index)
      return fail("is after the last entry that was acknowledged, "
                  + std::to_string(end.last.index.value));
    holes += holes_in(entry);
    if (to != nullptr)
      append_to(to->entries, entry);
    return std::nullopt;
  });
  return problem ? problem : check_end(peer, tail, holes);
}

Problem Reader::check_end(const CatalogPeer& peer, const Tail& tail, std::uint64_t holes) {
  const Tail& end = peer.state.tail;
  move_to_index(end.last.index.value);
  if (tail.last.index < end.last.index)
    return fail("is missing, though it was acknowledged; the log ends at "
                + std::to_string(tail.last.index.value));
  if (tail != end)
    return fail("is not the entry that was acknowledged");
  if (end.last.term > peer.state.hard_state.term)
    return fail("is of a term above the peer's");
  if (holes != peer.state.holes)
    return fail("the log up to here has " + std::to_string(holes) + " holes, "
                + std::to_string(peer.state.holes) + " were made");
  return std::nullopt;
}

}  // namespace troupe::storage
