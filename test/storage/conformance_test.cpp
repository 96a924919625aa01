#include "test/storage/conformance.hpp"

#include "storage/memory_store.hpp"

#include <doctest/doctest.h>

using namespace troupe::storage;

TEST_CASE("the memory store does what any store must do") {
  MemoryDisk disk;
  check_conformance([&] { return open_memory_store(disk); });
}

TEST_CASE("the LMDB store does what any store must do") {
  const TempDirectory directory;
  check_conformance([&] { return open_lmdb(directory.path()); });
}

TEST_CASE("the LMDB store does what any store must do, unchecked by a child") {
  const TempDirectory directory;
  check_conformance([&] {
    LmdbOptions how = options(directory.path());
    how.check_in_child = false;
    return open_lmdb(how);
  });
}

TEST_CASE("the LMDB store does what any store must do, behind a journal") {
  const TempDirectory directory;
  check_conformance([&] { return open_lmdb(with_journal(directory.path())); });
}
