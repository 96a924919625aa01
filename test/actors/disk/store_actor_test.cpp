#include "actors/disk/store_actor.hpp"

#include "storage/memory_store.hpp"
#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

#include <chrono>

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

  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
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

/// A vote, or whatever else makes nothing larger.
StoreWrite bare_write(PeerId peer, const caf::actor& reply_to, std::uint64_t id) {
  StoreWrite message = write_of(peer, reply_to, id);
  message.write.entries.clear();
  return message;
}

constexpr std::chrono::seconds time_to_look_again{1};

TEST_CASE("what a full disk refuses waits, and is written when there is room") {
  Disk disk;
  disk.put(1, "a");
  disk.memory.refuses_entries = true;
  disk.memory.full = true;

  send_from_outside(disk.store, write_of({1}, disk.first.actor, 1));
  disk.still.run();
  send_from_outside(disk.store, write_of({1}, disk.first.actor, 2));
  disk.still.pass(time_to_look_again);

  CHECK(disk.first->full == std::vector{true});
  CHECK(disk.first->written.empty());
  CHECK(disk.first->failed.empty());

  disk.memory.refuses_entries = false;
  disk.memory.full = false;
  disk.still.pass(time_to_look_again);

  CHECK(disk.first->full == std::vector{true, false});
  REQUIRE(disk.first->written.size() == 1);
  CHECK(disk.first->written[0].upto == WriteId{2});
  CHECK(disk.memory.logs.at({1}).entries.size() == 2);
}

TEST_CASE("on a full disk votes are written, in their order, and nothing overtakes entries") {
  Disk disk;
  disk.put(1, "a");
  disk.put(2, "b");
  disk.memory.refuses_entries = true;
  disk.memory.full = true;

  send_from_outside(disk.store, bare_write({1}, disk.first.actor, 1));
  send_from_outside(disk.store, write_of({1}, disk.first.actor, 2));
  send_from_outside(disk.store, bare_write({1}, disk.first.actor, 3));
  send_from_outside(disk.store, bare_write({2}, disk.second.actor, 1));
  disk.still.run();

  REQUIRE(disk.first->written.size() == 1);
  CHECK(disk.first->written[0].upto == WriteId{1});
  REQUIRE(disk.second->written.size() == 1);
  CHECK(disk.second->written[0].upto == WriteId{1});
}

TEST_CASE("a disk that took its last entries is full, until there is room again") {
  Disk disk;
  disk.put(1, "a");
  disk.put(2, "b");
  disk.memory.full = true;

  send_from_outside(disk.store, write_of({1}, disk.first.actor, 1));
  disk.still.run();
  CHECK(disk.first->written.size() == 1);
  CHECK(disk.first->full == std::vector{true});
  // A peer that writes later hears so, too.
  send_from_outside(disk.store, bare_write({2}, disk.second.actor, 1));
  disk.still.pass(time_to_look_again);
  CHECK(disk.second->full == std::vector{true});

  disk.memory.full = false;
  disk.still.pass(time_to_look_again);

  CHECK(disk.first->full == std::vector{true, false});
  CHECK(disk.second->full == std::vector{true, false});
}

TEST_CASE("what a peer that stopped was refused is not written behind the next one's back") {
  Disk disk;
  disk.put(1, "a");
  disk.memory.refuses_entries = true;
  disk.memory.full = true;
  send_from_outside(disk.store, write_of({1}, disk.first.actor, 1));
  disk.still.run();

  send_from_outside(disk.store, RecoverPeer{disk.second.actor, {1}});
  disk.still.run();
  disk.memory.refuses_entries = false;
  disk.memory.full = false;
  disk.still.pass(time_to_look_again);

  CHECK(disk.memory.logs[{1}].entries.empty());
}

TEST_CASE("a peer for which there is no room is refused, and the disk is used on") {
  Disk disk;
  disk.put(1, "a");
  disk.memory.fail_next_write = storage::StoreError{storage::StoreError::Kind::no_space, "no room"};

  disk.put(2, "b");
  send_from_outside(disk.store, write_of({1}, disk.first.actor, 1));
  disk.still.run();

  CHECK(disk.first->failed.empty());
  REQUIRE(disk.first->put.size() == 2);
  REQUIRE(disk.first->put[1].refusal);
  CHECK(disk.first->put[1].refusal->text == "no room");
  CHECK(disk.first->written.size() == 1);
}

}  // namespace
}  // namespace troupe::actors
