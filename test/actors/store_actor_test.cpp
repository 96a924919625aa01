#include "actors/store_actor.hpp"

#include "storage/memory_store.hpp"
#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using test::Ear;
using test::StillSystem;

StoreWrite write_of(PeerId peer, const caf::actor& reply_to, std::uint64_t id) {
  StoreWrite message{.peer = peer, .reply_to = reply_to, .write = {}};
  message.write.id = {id};
  message.write.hard_state.term = {1};
  message.write.entries = {{.id = {{1}, {id}}, .kind = EntryKind::noop, .payload = {}}};
  return message;
}

/// A store on a disk in memory, with two peers that use it.
struct Disk {
  storage::MemoryDisk memory{};
  StillSystem still{};
  Ear first{still};
  Ear second{still};
  caf::actor store = still.actors->spawn<StoreActor>(storage::open_memory_store(memory));

  ~Disk() {
    send_from_outside(store, Stop{});
    still.run();
  }

  void put(std::uint64_t id, const std::string& name) {
    send_from_outside(store, PutPeer{first.actor, {{id}, name, "register", true}});
    still.run();
  }
};

TEST_CASE("writes that wait together reach the disk in one transaction") {
  Disk disk;
  disk.put(1, "a");
  disk.put(2, "b");
  const auto commits = disk.memory.commits;

  for (std::uint64_t id = 1; id <= 3; ++id)
    send_from_outside(disk.store, write_of({1}, disk.first.actor, id));
  send_from_outside(disk.store, write_of({2}, disk.second.actor, 1));
  disk.still.run();

  CHECK(disk.memory.commits == commits + 1);
  REQUIRE(disk.first->written.size() == 1);
  CHECK(disk.first->written[0].upto == WriteId{3});
  REQUIRE(disk.second->written.size() == 1);
  CHECK(disk.second->written[0].upto == WriteId{1});
  CHECK(disk.memory.logs.at({1}).entries.size() == 3);
}

TEST_CASE("a disk that failed fails everyone who waits and everyone who comes later") {
  Disk disk;
  disk.put(1, "a");
  disk.put(2, "b");
  disk.memory.fail_next_write = storage::StoreError{storage::StoreError::Kind::io, "no such luck"};

  send_from_outside(disk.store, write_of({1}, disk.first.actor, 1));
  send_from_outside(disk.store, write_of({2}, disk.second.actor, 1));
  disk.still.run();
  send_from_outside(disk.store, write_of({1}, disk.first.actor, 2));
  send_from_outside(disk.store, PutPeer{disk.second.actor, {{3}, "c", "register", true}});
  disk.still.run();

  CHECK(disk.first->written.empty());
  REQUIRE(disk.first->failed.size() == 2);
  CHECK(disk.first->failed[0].error.text == "no such luck");
  CHECK(disk.second->failed.size() == 2);
  CHECK(disk.memory.logs[{1}].entries.empty());
  CHECK_FALSE(disk.memory.peers.contains("c"));
}

TEST_CASE("what a peer wrote before it is asked for is part of what is recovered") {
  Disk disk;
  disk.put(1, "a");

  send_from_outside(disk.store, write_of({1}, disk.first.actor, 1));
  send_from_outside(disk.store, RecoverPeer{disk.first.actor, {1}});
  disk.still.run();

  REQUIRE(disk.first->recovered.size() == 1);
  const auto* recovered = std::get_if<Recovered>(&disk.first->recovered[0].outcome);
  REQUIRE(recovered != nullptr);
  CHECK(recovered->entries.size() == 1);
}

}  // namespace
}  // namespace troupe::actors
