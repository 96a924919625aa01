#include "storage/lmdb/dump.hpp"

#include "storage/acknowledged.hpp"
#include "storage/directory.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/journal_batch.hpp"
#include "storage/lmdb/lmdb_check.hpp"
#include "storage/lmdb/lmdb_reader.hpp"
#include "storage/memory_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace troupe::storage {

namespace {

/// More than any node has: each costs some bytes while we read.
constexpr unsigned tables_max = 1u << 16;

/// What was acknowledged when we began to look.
/// What was acknowledged.
struct Numbers {
  std::uint64_t transaction = 0;
  std::uint64_t record = 0;
};

Outcome<Numbers> read_both(const std::string& directory) {
  const auto transaction = read_acknowledged(directory);
  if (const auto* error = std::get_if<StoreError>(&transaction))
    return *error;
  const auto record = read_acknowledged(directory, acknowledged_of_journal);
  if (const auto* error = std::get_if<StoreError>(&record))
    return *error;
  return Numbers{std::get<std::uint64_t>(transaction), std::get<std::uint64_t>(record)};
}

/// Adds what the journal holds and the tables do not.
Problem add_journal(const std::string& directory, const Numbers& known, std::uint64_t applied,
                    StoreDump& to) {
  std::vector<PeerWrite> writes;
  if (auto problem = Journal::look(
          {.directory = directory, .bytes = 0, .applied = applied, .acknowledged = known.record},
          [&](Value record) { return read_batch(record, writes); }))
    return problem;
  for (const PeerWrite& write : writes)
    for (StoreDump::Peer& peer : to.peers)
      if (peer.record.id == write.peer)
        apply(write.write, peer.recovered);
  return std::nullopt;
}

/// Whether lock.mdb can be written to, or created.
bool can_take_row(const std::string& directory) {
  const File rows = open_directly(lock_file(directory), O_RDWR);
  return rows.is_open() || (errno == ENOENT && ::access(directory.c_str(), W_OK) == 0);
}

/// How to read `directory`. A copy that nobody writes to needs no row in lock.mdb, and gets none
/// where others can write: they may have put a link there.
Outcome<Access> access_to(const std::string& directory) {
  const bool takes_row = can_take_row(directory);
  if (takes_row && !refuse_if_others_can_write(directory))
    return Access::read;
  if (!is_locked(directory))
    return Access::read_locked;
  if (takes_row)
    return Access::read;
  return StoreError{StoreError::Kind::locked,
                    directory + " is in use, and " + lock_file(directory)
                        + " cannot be written to: be the user of the node, or read a copy"};
}

Outcome<StoreDump> read_all(MDB_txn* transaction, const std::string& file,
                            std::uint64_t acknowledged, Commit& commit) {
  Reader reader(transaction, file);
  Catalog catalog;
  if (auto problem = reader.read_catalog(acknowledged, catalog))
    return *problem;
  commit = catalog.commit;
  StoreDump dump;
  for (const auto& [id, peer] : catalog.peers) {
    StoreDump::Peer& to = dump.peers.emplace_back();
    to.record = peer.record;
    if (auto problem = reader.read_log(peer, &to.recovered))
      return *problem;
  }
  std::sort(dump.peers.begin(), dump.peers.end(),
            [](const auto& a, const auto& b) { return a.record.name < b.record.name; });
  return dump;
}

}  // namespace

Outcome<StoreDump> read_store(const std::string& directory) {
  const std::string file = data_file(directory);
  if (file_bytes(file) == 0)
    return StoreError{StoreError::Kind::io, directory + " holds no store"};
  // Before the transaction begins, so that it cannot be behind what was acknowledged.
  const auto read = read_both(directory);
  if (const auto* error = std::get_if<StoreError>(&read))
    return *error;
  const auto known = std::get<Numbers>(read);
  const auto access = access_to(directory);
  if (const auto* error = std::get_if<StoreError>(&access))
    return *error;
  const Access how = std::get<Access>(access);
  if (auto problem = check_in_child(
          directory, {.access = how, .tables_max = tables_max, .acknowledged = known.transaction}))
    return *problem;

  auto opened = open_environment(directory, {.access = how, .tables_max = tables_max});
  if (auto* error = std::get_if<StoreError>(&opened))
    return *error;
  MDB_env* environment = std::get<Environment>(opened).get();
  // If the child died it left its row in lock.mdb, which would keep the node from using pages
  // again.
  int dead = 0;
  mdb_reader_check(environment, &dead);
  // A node that is at work may move all that the journal holds while we look from one to the other.
  constexpr int looks_max = 10;
  for (int look = 1;; ++look) {
    Transaction transaction;
    if (const int code = begin_read(environment, transaction))
      return lmdb_error(file, {}, code);
    Commit commit;
    auto dump = read_all(transaction.get(), file, known.transaction, commit);
    if (how == Access::read_locked && is_locked(directory))
      return StoreError{StoreError::Kind::locked, directory + ": a node started meanwhile"};
    if (std::holds_alternative<StoreError>(dump))
      return dump;
    const Problem problem =
        add_journal(directory, known, commit.journal, std::get<StoreDump>(dump));
    if (!problem)
      return dump;
    if (look == looks_max)
      return *problem;
  }
}

}  // namespace troupe::storage
