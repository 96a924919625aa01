#include "storage/dump.hpp"

#include "storage/directory.hpp"
#include "storage/lmdb_check.hpp"
#include "storage/lmdb_reader.hpp"

#include <algorithm>
#include <utility>

namespace troupe::storage {

namespace {

/// More than any node has: each costs some bytes while we read.
constexpr unsigned tables_max = 1u << 16;

Outcome<StoreDump> read_all(MDB_txn* transaction, const std::string& file,
                            std::uint64_t acknowledged) {
  Reader reader(transaction, file);
  Catalog catalog;
  if (auto problem = reader.read_catalog(acknowledged, catalog))
    return *problem;
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
  const auto acknowledged = read_witness(directory);
  if (const auto* error = std::get_if<StoreError>(&acknowledged))
    return *error;
  const auto witnessed = std::get<std::uint64_t>(acknowledged);
  if (auto problem = check_in_child(
          directory, {.access = Access::read, .tables_max = tables_max, .acknowledged = witnessed}))
    return *problem;

  auto opened = open_environment(directory, {.access = Access::read, .tables_max = tables_max});
  if (auto* error = std::get_if<StoreError>(&opened))
    return *error;
  MDB_env* environment = std::get<Environment>(opened).get();
  // If the child died it left its row in lock.mdb, which would keep the node from using pages
  // again.
  int dead = 0;
  mdb_reader_check(environment, &dead);
  Transaction transaction;
  if (const int code = begin_read(environment, transaction))
    return lmdb_error(file, {}, code);
  return read_all(transaction.get(), file, witnessed);
}

}  // namespace troupe::storage
