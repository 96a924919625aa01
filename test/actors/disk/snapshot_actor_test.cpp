#include "actors/disk/snapshot_actor.hpp"

#include "actors/machine/resource_actor.hpp"
#include "storage/snapshots/memory_snapshots.hpp"
#include "test/actors/register_kind.hpp"
#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using storage::StoreError;
using test::command;
using test::Ear;
using test::register_kind;
using test::StillSystem;

constexpr PeerId us{1};
constexpr PeerId other{2};

/// Larger than a piece, by far.
const std::string large(3 * machine::saved_piece_bytes_max, 'x');

const Configuration alone{.voters = {{us, "p1", "h1:1"}}};

/// The snapshots of a node and the resource of one of its peers; the peer and a client are ears.
struct Stage {
  storage::MemoryShelf shelf{};
  StillSystem still{};
  Ear peer{still};
  Ear client{still};
  caf::actor snapshots = still.actors->spawn<SnapshotActor>(storage::open_memory_snapshots(shelf));
  caf::actor resource = still.actors->spawn<ResourceActor>(register_kind());
  std::uint64_t last = 0;

  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    send_from_outside(resource, Stop{});
    send_from_outside(snapshots, Stop{});
    still.run();
  }

  void write(const std::string& text) {
    ++last;
    Entry entry{.id = {{1}, {last}}, .kind = EntryKind::command, .payload = command("=" + text)};
    send_from_outside(resource, Apply{peer.actor, {std::move(entry)}, true});
  }

  void save() {
    send_from_outside(
        resource,
        Save{.snapshots = snapshots,
             .reply_to = peer.actor,
             .peer = us,
             .title = {
                 .place = {.id = {{1}, {last}}, .configuration = alone, .configuration_index = {1}},
                 .cluster = {7},
                 .kind = "register"}});
  }

  /// A snapshot of `text` at the next entry.
  SnapshotHead saved(const std::string& text) {
    write(text);
    save();
    still.run();
    REQUIRE_FALSE(peer->saved.empty());
    const auto* head = std::get_if<SnapshotHead>(&peer->saved.back().outcome);
    REQUIRE(head != nullptr);
    return *head;
  }

  void load(const SnapshotHead& head) {
    send_from_outside(resource, Load{snapshots, peer.actor, us, head});
    last = head.place.id.index.value;
  }

  void ask() { send_from_outside(resource, Ask{{{client.actor, 7, Bytes::copy_of("?")}}}); }

  std::string answer() {
    REQUIRE_FALSE(client->replies.empty());
    const wire::CallReply& reply = client->replies.back();
    return reply.refusal == Refusal::none ? std::string(reply.value.text())
                                          : std::string(name(reply.refusal));
  }
};

const StoreError* failure(const SnapshotSaved& saved) {
  return std::get_if<StoreError>(&saved.outcome);
}

TEST_CASE("a snapshot holds what was sent before it was asked for, and nothing behind it") {
  Stage stage;
  stage.write(large);
  stage.save();
  stage.write("later");
  stage.still.run();

  REQUIRE(stage.peer->saved.size() == 1);
  const auto head = std::get<SnapshotHead>(stage.peer->saved[0].outcome);
  CHECK(head.place.id.index == Index{1});
  CHECK(stage.peer->applied.size() == 2);
  CHECK(stage.peer->progress.size() == 3);
  CHECK(stage.peer->progress.back().percent == 100);

  stage.load(head);
  stage.ask();
  stage.still.run();

  CHECK((stage.answer() == large));
}

TEST_CASE("what comes while a snapshot is loaded waits, and finds its state") {
  Stage stage;
  const SnapshotHead head = stage.saved(large);
  stage.write("gone");
  stage.still.run();

  stage.load(head);
  stage.ask();
  stage.write("behind");
  stage.ask();
  stage.save();
  stage.still.run();

  REQUIRE(stage.peer->loaded.size() == 1);
  CHECK_FALSE(stage.peer->loaded[0].failure);
  REQUIRE(stage.client->replies.size() == 2);
  CHECK((stage.client->replies[0].value.text() == large));
  CHECK(stage.client->replies[0].index == Index{1});
  CHECK(stage.client->replies[1].value.text() == "behind");
  CHECK(stage.peer->applied.back().upto == Index{2});
  REQUIRE(stage.peer->saved.size() == 2);
  CHECK(stage.peer->saved[1].id.index == Index{2});
}

TEST_CASE("a damaged snapshot is not loaded; nothing is applied to it, and the next one is") {
  Stage stage;
  const SnapshotHead sound = stage.saved("sound");
  const SnapshotHead damaged = stage.saved(large);
  stage.shelf.find(us, damaged)->at(2'000'000) ^= 1;
  const auto applied = stage.peer->applied.size();

  stage.load(damaged);
  stage.write("behind");
  stage.ask();
  stage.save();
  stage.still.run();
  stage.ask();
  stage.still.run();

  REQUIRE(stage.peer->loaded.size() == 1);
  REQUIRE(stage.peer->loaded[0].failure);
  CHECK(stage.peer->loaded[0].failure->kind == StoreError::Kind::corrupt);
  CHECK(stage.peer->applied.size() == applied);
  CHECK(stage.client->replies.size() == 2);
  CHECK(stage.answer() == "busy");
  CHECK(failure(stage.peer->saved.back()) != nullptr);

  stage.load(sound);
  stage.ask();
  stage.still.run();

  CHECK(stage.answer() == "sound");
}

TEST_CASE("a snapshot of another kind is not loaded") {
  Stage stage;
  stage.write("a");
  send_from_outside(
      stage.resource,
      Save{
          .snapshots = stage.snapshots,
          .reply_to = stage.peer.actor,
          .peer = us,
          .title = {.place = {.id = {{1}, {1}}, .configuration = alone, .configuration_index = {1}},
                    .cluster = {7},
                    .kind = "counter"}});
  stage.still.run();

  stage.load(std::get<SnapshotHead>(stage.peer->saved.back().outcome));
  stage.still.run();

  REQUIRE(stage.peer->loaded.size() == 1);
  REQUIRE(stage.peer->loaded[0].failure);
  CHECK(stage.peer->loaded[0].failure->text == "snapshot 1: holds the state of a counter at 1");
}

TEST_CASE("a save ends with the state that it saves: by a load, and by the end of the resource") {
  Stage stage;
  const SnapshotHead head = stage.saved("first");
  stage.write(large);
  stage.save();
  stage.load(head);
  stage.still.run();

  CHECK(stage.peer->loaded.size() == 1);
  REQUIRE(stage.peer->saved.size() == 2);
  REQUIRE(failure(stage.peer->saved[1]) != nullptr);
  CHECK(failure(stage.peer->saved[1])->text == "a snapshot is loaded");

  stage.write(large);
  stage.save();
  send_from_outside(stage.resource, Stop{});
  stage.still.run();

  REQUIRE(stage.peer->saved.size() == 3);
  REQUIRE(failure(stage.peer->saved[2]) != nullptr);
  CHECK(stage.shelf.peers.at(us).finished.size() == 1);
}

TEST_CASE("a disk that is full ends a save, and not the next") {
  Stage stage;
  stage.shelf.fail_next_write = StoreError{StoreError::Kind::no_space, "full"};
  stage.write("a");
  stage.save();
  stage.still.run();

  REQUIRE(stage.peer->saved.size() == 1);
  REQUIRE(failure(stage.peer->saved[0]) != nullptr);
  CHECK(failure(stage.peer->saved[0])->text == "full");
  CHECK(stage.saved("b").place.id.index == Index{2});
}

/// Copies what `head` holds from us to the other peer, a chunk at a time.
void send_all_chunks(Stage& stage, const SnapshotHead& head, std::size_t length) {
  for (std::uint64_t offset = 0; offset < head.size_bytes; offset += length) {
    send_from_outside(stage.snapshots, ReadChunk{.reply_to = stage.peer.actor,
                                                 .peer = us,
                                                 .head = head,
                                                 .offset = offset,
                                                 .chunk = {.message = {}, .length = length}});
    stage.still.run();
    const auto* bytes = std::get_if<Bytes>(&stage.peer->chunks_read.back().outcome);
    REQUIRE(bytes != nullptr);
    send_from_outside(
        stage.snapshots,
        WriteChunk{.reply_to = stage.peer.actor, .peer = other, .chunk = {head, offset, *bytes}});
    stage.still.run();
  }
}

TEST_CASE("a snapshot that came in chunks is whole, and a damaged one is told") {
  Stage stage;
  const SnapshotHead head = stage.saved(large);

  send_all_chunks(stage, head, 700'000);

  CHECK(stage.peer->chunks_written.size() == stage.peer->chunks_read.size());
  CHECK(stage.peer->chunks_written.back().upto == head.size_bytes);
  CHECK(stage.shelf.find(other, head) != nullptr);

  const SnapshotHead next = stage.saved(large + "y");
  stage.shelf.find(us, next)->at(2'000'000) ^= 1;
  send_all_chunks(stage, next, 700'000);
  const auto& written = stage.peer->chunks_written;
  const auto failed = std::ranges::find_if(
      written, [](const ChunkWritten& each) { return each.failure.has_value(); });
  REQUIRE(failed != written.end());
  CHECK(failed->failure->kind == StoreError::Kind::corrupt);
  CHECK(failed->upto == 0);

  send_from_outside(stage.snapshots, CheckSnapshot{stage.peer.actor, us, next});
  stage.still.run();
  REQUIRE(stage.peer->checked.size() == 1);
  CHECK(stage.peer->checked[0].failure);
}

TEST_CASE("a disk that is full is asked again after a while") {
  Stage stage;
  const SnapshotHead head = stage.saved("a");
  stage.shelf.fail_next_write = StoreError{StoreError::Kind::no_space, "full"};

  send_all_chunks(stage, head, 1 << 20);
  CHECK(stage.peer->chunks_written.empty());
  stage.still.pass(std::chrono::milliseconds(500));

  REQUIRE(stage.peer->chunks_written.size() == 1);
  REQUIRE(stage.peer->chunks_written[0].failure);
  CHECK(stage.peer->chunks_written[0].failure->kind == StoreError::Kind::no_space);
  send_all_chunks(stage, head, 1 << 20);
  CHECK(stage.peer->chunks_written.back().upto == head.size_bytes);
}

/// As many chunks as a leader sends ahead of the answers.
void send_window(Stage& stage, const SnapshotHead& head) {
  for (const std::uint64_t offset : {0U, 10U, 20U})
    send_from_outside(stage.snapshots,
                      WriteChunk{.reply_to = stage.peer.actor,
                                 .peer = other,
                                 .chunk = {head, offset, Bytes::copy_of("0123456789")}});
  stage.still.run();
}

TEST_CASE("what comes behind a chunk that found no room waits with it, the longer the more often") {
  Stage stage;
  const SnapshotHead head = stage.saved(large);
  const auto& written = stage.peer->chunks_written;

  for (const int rest_ms : {500, 1000, 2000, 4000, 4000}) {
    const std::size_t before = written.size();
    stage.shelf.fail_next_write = StoreError{StoreError::Kind::no_space, "full"};
    send_window(stage, head);
    stage.still.pass(std::chrono::milliseconds(rest_ms - 1));
    CHECK(written.size() == before);
    stage.still.pass(std::chrono::milliseconds(1));

    // All say so, or whoever reads them would take the disk for one that has room at times.
    REQUIRE(written.size() == before + 3);
    for (std::size_t i = before; i < written.size(); ++i) {
      REQUIRE(written[i].failure);
      CHECK(written[i].upto == 0);
    }
  }

  send_all_chunks(stage, head, 700'000);
  CHECK(written.back().upto == head.size_bytes);
}

TEST_CASE("older snapshots go when a newer one counts, and never one that may come to count") {
  Stage stage;
  const SnapshotHead first = stage.saved("a");
  const SnapshotHead second = stage.saved("b");

  send_from_outside(stage.snapshots, KeepSnapshot{us, first});
  stage.still.run();
  CHECK(stage.shelf.find(us, first) != nullptr);
  CHECK(stage.shelf.find(us, second) != nullptr);

  send_from_outside(stage.snapshots, KeepSnapshot{us, second});
  stage.still.run();
  CHECK(stage.shelf.find(us, first) == nullptr);
  CHECK(stage.shelf.find(us, second) != nullptr);
}

}  // namespace
}  // namespace troupe::actors
