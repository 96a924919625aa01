#include "storage/lmdb/dump.hpp"

#include "storage/directory.hpp"
#include "test/child.hpp"
#include "test/storage/samples.hpp"
#include "test/storage/tamper.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

void fill(Store& store) {
  REQUIRE(!store.put_peer(peer_record(2)));
  REQUIRE(!store.put_peer(peer_record(1)));
  REQUIRE(!store.write(std::vector{write_of(1, 1, 1, {"a", "b"}), write_of(2, 3, 1, {"x"})}));
}

bool holds_what_was_filled(const Outcome<StoreDump>& outcome) {
  const auto* dump = std::get_if<StoreDump>(&outcome);
  return dump != nullptr && dump->peers.size() == 2 && dump->peers[0].record == peer_record(1)
         && dump->peers[0].recovered.entries.size() == 2
         && dump->peers[0].recovered.entries[1] == entry(1, 2, "b")
         && dump->peers[1].record == peer_record(2)
         && dump->peers[1].recovered.hard_state.term == Term{3};
}

/// Runs `task` in a process that may read what all may, and write nothing of ours. 0 if it answered
/// true.
template <class Task>
int as_reader(Task task) {
  constexpr uid_t other_user = 65534;
  return run_in_child([&] {
    if (::geteuid() == 0 && ::setuid(other_user) != 0)
      return 100;
    return task() ? 0 : 1;
  });
}

}  // namespace

TEST_CASE("a dump holds all peers and logs of a stopped node, and changes nothing") {
  const TempDirectory directory;
  fill(*open_lmdb(directory.path()));
  const std::string before = read_file(data_file(directory.path()));

  CHECK(holds_what_was_filled(read_store(directory.path())));

  CHECK(read_file(data_file(directory.path())) == before);
}

TEST_CASE("a dump holds what stands in the journal alone, and leaves it there") {
  const TempDirectory directory;
  const TempDirectory crashed;
  const auto store = open_lmdb(with_journal(directory.path()));
  fill(*store);
  for (const char* name : {"data.mdb", "journal", "ACKNOWLEDGED", "ACKNOWLEDGED.journal"})
    std::filesystem::copy(directory.path() + '/' + name, crashed.path());
  const std::string before = read_file(crashed.path() + "/journal");

  CHECK(holds_what_was_filled(read_store(crashed.path())));

  CHECK(read_file(crashed.path() + "/journal") == before);
  std::filesystem::remove(crashed.path() + "/journal");
  CHECK(error_of(read_store(crashed.path())).kind == StoreError::Kind::corrupt);
}

TEST_CASE("a running node can be dumped by another process") {
  const TempDirectory directory;
  const auto store = open_lmdb(with_journal(directory.path()));
  fill(*store);

  // LMDB's locks are the process's: a fresh one must not see this store's open files.
  const std::string path = directory.path();
  const int code = run_in_child([&] { return holds_what_was_filled(read_store(path)) ? 0 : 1; });

  CHECK(code == 0);
  CHECK(!store->write(std::vector{write_of(1, 1, 3, {"c"})}));
}

TEST_CASE("a directory without a store is an error, and stays without one") {
  const TempDirectory directory;

  const StoreError error = error_of(read_store(directory.path()));

  CHECK(error.text == directory.path() + " holds no store");
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("a damaged store is an error and not a shorter dump") {
  const TempDirectory directory;
  fill(*open_lmdb(directory.path()));
  {
    Tampering tampering(directory.path());
    NumberKey last(2);
    tampering.del("log/peer1", last.val());
  }

  const StoreError error = error_of(read_store(directory.path()));

  CHECK(error.kind == StoreError::Kind::corrupt);
  CHECK(error.text.find("table log/peer1, index 2") != std::string::npos);
}

TEST_CASE("a readable copy of a store can be dumped without writing anything") {
  const TempDirectory directory;
  const std::string copy = directory.path() + "/copy";
  fill(*open_lmdb(with_journal(copy)));
  for (const bool with_lock_files : {true, false}) {
    CAPTURE(with_lock_files);
    for (const char* name : {"/LOCK", "/lock.mdb"})
      if (!with_lock_files)
        std::filesystem::remove(copy + name);
    for (const auto& each : std::filesystem::directory_iterator(copy))
      REQUIRE(::chmod(each.path().c_str(), 0444) == 0);
    REQUIRE(::chmod(copy.c_str(), 0555) == 0);
    REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);

    const int code = as_reader([&] { return holds_what_was_filled(read_store(copy)); });

    CHECK(code == 0);
    REQUIRE(::chmod(copy.c_str(), 0755) == 0);
    CHECK(std::filesystem::exists(copy + "/lock.mdb") == with_lock_files);
  }
}

TEST_CASE("a store that a node writes to is not read without a row in lock.mdb") {
  const TempDirectory directory;
  const auto store = open_lmdb(with_journal(directory.path()));
  fill(*store);
  for (const auto& each : std::filesystem::directory_iterator(directory.path()))
    REQUIRE(::chmod(each.path().c_str(), 0444) == 0);
  REQUIRE(::chmod(directory.path().c_str(), 0555) == 0);

  const int code = as_reader([&] {
    const auto dump = read_store(directory.path());
    const auto* error = std::get_if<StoreError>(&dump);
    return error != nullptr && error->text.find("is in use, and") != std::string::npos;
  });

  CHECK(code == 0);
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
}
