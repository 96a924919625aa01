#include "storage/memory_store.hpp"

#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace troupe;
using namespace troupe::storage;

TEST_CASE("a full disk refuses one write, changes nothing and goes on") {
  MemoryDisk disk;
  const auto store = open_memory_store(disk);
  const std::vector<PeerWrite> writes = {write_of(1, 1, 1, {"a"})};
  disk.fail_next_write = StoreError{StoreError::Kind::no_space, "full"};

  const auto error = store->write(writes);

  REQUIRE(error);
  CHECK(error->kind == StoreError::Kind::no_space);
  CHECK(disk.commits == 0);
  CHECK(value_of(store->recover({1})).entries.empty());
  CHECK(!store->write(writes));
  CHECK(value_of(store->recover({1})).entries.size() == 1);
}

TEST_CASE("a failed disk fails every write until it is opened again") {
  MemoryDisk disk;
  auto store = open_memory_store(disk);
  const std::vector<PeerWrite> writes = {write_of(1, 1, 1, {"a"})};
  disk.fail_next_write = StoreError{StoreError::Kind::io, "broken"};

  CHECK(store->write(writes));
  CHECK(store->write(writes));
  CHECK(store->put_peer(peer_record(1)));
  CHECK(disk.commits == 0);

  store = open_memory_store(disk);
  CHECK(!store->write(writes));
  CHECK(disk.commits == 1);
}
