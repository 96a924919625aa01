#pragma once

#include "storage/store.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

/// Opens a store on the same disk each time; the one opened before is closed by then. The disk is
/// empty at first.
using OpenStore = std::function<std::unique_ptr<Store>()>;

/// A store under test: what must go well goes well, or the test ends.
class Subject {
public:
  explicit Subject(OpenStore open) : open_(std::move(open)), store_(open_()) {}

  void reopen() {
    store_.reset();
    store_ = open_();
  }
  void put(const PeerRecord& peer) { REQUIRE(!store_->put_peer(peer)); }
  void write(const std::vector<PeerWrite>& writes) { REQUIRE(!store_->write(writes)); }
  void remove(std::uint64_t peer) { REQUIRE(!store_->delete_peer({peer})); }
  Recovered recover(std::uint64_t peer) { return value_of(store_->recover({peer})); }
  std::vector<PeerRecord> peers() { return value_of(store_->peers()); }
  StoreStats stats() { return store_->stats(); }

private:
  OpenStore open_;
  std::unique_ptr<Store> store_;
};

inline void check_peers(Subject& store) {
  SUBCASE("an empty store knows no peers") {
    CHECK(store.peers().empty());
  }

  SUBCASE("an unknown peer has an empty log") {
    CHECK(store.recover(7).entries.empty());
    CHECK(store.recover(7).hard_state == HardState{});
  }

  SUBCASE("peers are there by name, with all that was said of them") {
    const PeerRecord a{{900}, "a", "map", false, {{"one", "1"}, {"empty", ""}}};
    const PeerRecord b{{1}, "b", "counter", true, {}};
    store.put(b);
    store.put(a);
    CHECK(store.peers() == std::vector<PeerRecord>{a, b});
    store.reopen();
    CHECK(store.peers() == std::vector<PeerRecord>{a, b});
  }

  SUBCASE("whether a peer runs can change, and its log stays") {
    PeerRecord peer = peer_record(1);
    store.put(peer);
    store.write({write_of(1, 1, 1, {"x"})});
    peer.running = false;
    store.put(peer);
    store.reopen();
    CHECK(store.peers() == std::vector<PeerRecord>{peer});
    CHECK(store.recover(1).entries.size() == 1);
  }

  SUBCASE("a peer that is deleted is gone with its log, and no other") {
    store.put(peer_record(1));
    store.put(peer_record(2));
    store.write({write_of(1, 1, 1, {"x", "y"}), write_of(2, 1, 1, {"z"})});
    store.remove(1);
    for (int i = 0; i < 2; ++i) {
      CHECK(store.peers() == std::vector<PeerRecord>{peer_record(2)});
      CHECK(store.recover(1).entries.empty());
      CHECK(store.recover(2).entries.size() == 1);
      store.reopen();
    }
    store.write({write_of(2, 1, 2, {"more"})});
    CHECK(store.recover(2).entries.size() == 2);
  }

  SUBCASE("the name of a deleted peer may be given to another, which begins anew") {
    PeerRecord peer = peer_record(1);
    for (std::uint64_t id = 10; id < 20; ++id) {
      peer.id = {id};
      store.put(peer);
      CHECK(store.recover(id).entries.empty());
      store.write({write_of(id, 1, 1, {"a", std::string(1000, 'b')})});
      if (id % 3 == 0)
        store.reopen();
      CHECK(store.recover(id).entries.size() == 2);
      store.remove(id);
    }
    store.reopen();
    CHECK(store.peers().empty());
  }

  SUBCASE("a peer that wrote nothing has an empty log") {
    store.put(peer_record(1));
    store.reopen();
    CHECK(store.recover(1).entries.empty());
    CHECK(store.recover(1).hard_state == HardState{});
  }
}

inline void check_logs(Subject& store) {
  SUBCASE("what was written is there, at once and after opening again") {
    store.put(peer_record(1));
    PeerWrite sent = write_of(1, 3, 1, {"a", "", std::string(10000, 'x')});
    sent.write.entries[0].kind = EntryKind::configuration;
    sent.write.entries[1].kind = EntryKind::noop;
    store.write({sent});
    CHECK(store.recover(1).entries == sent.write.entries);
    CHECK(store.recover(1).hard_state == sent.write.hard_state);
    store.reopen();
    CHECK(store.recover(1).entries == sent.write.entries);
    CHECK(store.recover(1).hard_state == sent.write.hard_state);
  }

  SUBCASE("a write without entries changes the hard state alone") {
    store.put(peer_record(1));
    store.write({write_of(1, 1, 1, {"a"})});
    PeerWrite vote{.peer = {1}};
    vote.write.hard_state = {.term = {5}, .voted_for = {2}, .cluster = {99}, .horizon = {3}};
    vote.write.hard_state.set_back = true;
    store.write({vote});
    store.reopen();
    CHECK(store.recover(1).hard_state == vote.write.hard_state);
    CHECK(store.recover(1).entries.size() == 1);
  }

  SUBCASE("a log grows by later writes") {
    store.put(peer_record(1));
    store.write({write_of(1, 1, 1, {"a", "b"})});
    store.write({write_of(1, 2, 3, {"c"})});
    store.reopen();
    store.write({write_of(1, 2, 4, {"d"})});
    store.reopen();
    REQUIRE(store.recover(1).entries.size() == 4);
    CHECK(store.recover(1).entries.back() == entry(2, 4, "d"));
  }

  SUBCASE("a suffix is replaced in one write") {
    store.put(peer_record(1));
    store.write({write_of(1, 1, 1, {"a", "b", "c"})});
    store.write({truncating(write_of(1, 2, 2, {"B"}), 2)});
    CHECK(store.recover(1).entries == std::vector<Entry>{entry(1, 1, "a"), entry(2, 2, "B")});
    store.reopen();
    CHECK(store.recover(1).entries == std::vector<Entry>{entry(1, 1, "a"), entry(2, 2, "B")});
  }

  SUBCASE("a log can be truncated to nothing, and grow again") {
    store.put(peer_record(1));
    store.write({write_of(1, 1, 1, {"a", "b"})});
    store.write({truncating(write_of(1, 2, 1, {}), 1)});
    store.reopen();
    CHECK(store.recover(1).entries.empty());
    store.write({write_of(1, 2, 1, {"A"})});
    store.reopen();
    CHECK(store.recover(1).entries == std::vector<Entry>{entry(2, 1, "A")});
  }

  SUBCASE("truncating behind the end changes nothing") {
    store.put(peer_record(1));
    store.write({write_of(1, 1, 1, {"a"})});
    store.write({truncating(write_of(1, 1, 2, {"b"}), 2)});
    store.reopen();
    CHECK(store.recover(1).entries.size() == 2);
  }
}

inline void check_batches(Subject& store) {
  SUBCASE("the writes of a batch take place in order, in one commit") {
    store.put(peer_record(1));
    store.put(peer_record(2));
    const std::uint64_t before = store.stats().commits;
    store.write({write_of(1, 1, 1, {"a", "b", "c"}), write_of(2, 1, 1, {"x"}),
                 truncating(write_of(1, 2, 3, {"C"}), 3), write_of(2, 4, 2, {"y"}),
                 write_of(1, 2, 4, {"D"})});
    CHECK(store.stats().commits == before + 1);
    store.reopen();
    CHECK(store.recover(1).entries
          == std::vector<Entry>{entry(1, 1, "a"), entry(1, 2, "b"), entry(2, 3, "C"),
                                entry(2, 4, "D")});
    CHECK(store.recover(1).hard_state.term == Term{2});
    CHECK(store.recover(2).entries == std::vector<Entry>{entry(1, 1, "x"), entry(4, 2, "y")});
    CHECK(store.recover(2).hard_state.term == Term{4});
  }

  SUBCASE("an empty batch is no commit") {
    const std::uint64_t before = store.stats().commits;
    store.write({});
    CHECK(store.stats().commits == before);
  }

  SUBCASE("what is used grows with what is written, and shrinks with what is released") {
    store.put(peer_record(1));
    const std::uint64_t before = store.stats().used_bytes;
    store.write({write_of(1, 1, 1, {std::string(100000, 'x')})});
    const std::uint64_t full = store.stats().used_bytes;
    CHECK(full >= before + 100000);
    store.reopen();
    CHECK(store.stats().used_bytes >= before + 100000);
    PeerWrite release = write_of(1, 1, 1, {});
    release.write.released = {{1}};
    store.write({release});
    store.reopen();
    CHECK(store.stats().used_bytes + 90000 <= full);
  }
}

inline void check_beginnings(Subject& store) {
  const auto put_five = [&] {
    store.put(peer_record(1));
    store.write({write_of(1, 1, 1, {"a", "b", "c", "d", "e"})});
  };
  const auto only = [](auto change) {
    PeerWrite write = write_of(1, 1, 1, {});
    change(write.write);
    return write;
  };

  SUBCASE("a snapshot is remembered, and the log stays") {
    put_five();
    const SnapshotHead head = snapshot_of({{1}, {3}}, 77);
    store.write({only([&](Write& write) { write.snapshot = head; })});
    CHECK(store.recover(1).snapshot == head);
    store.reopen();
    CHECK(store.recover(1).snapshot == head);
    CHECK(store.recover(1).entries.size() == 5);
    CHECK(store.recover(1).before == EntryId{});
  }

  SUBCASE("what a snapshot covers can be cut, in steps and to the last entry") {
    put_five();
    store.write({only([&](Write& write) {
      write.snapshot = snapshot_of({{1}, {5}}, 77);
      write.cut_before = Index{3};
    })});
    store.reopen();
    CHECK(store.recover(1).before == EntryId{{1}, {2}});
    CHECK(store.recover(1).entries.front() == entry(1, 3, "c"));
    store.write({only([&](Write& write) { write.cut_before = Index{2}; })});  // Gone already.
    CHECK(store.recover(1).entries.size() == 3);
    store.write({only([&](Write& write) { write.cut_before = Index{6}; })});
    store.reopen();
    CHECK(store.recover(1).before == EntryId{{1}, {5}});
    CHECK(store.recover(1).entries.empty());
    store.write({write_of(1, 2, 6, {"f"})});
    store.reopen();
    CHECK(store.recover(1).entries == std::vector<Entry>{entry(2, 6, "f")});
    store.write({truncating(write_of(1, 3, 6, {"F", "G"}), 6)});
    store.reopen();
    CHECK(store.recover(1).entries == std::vector<Entry>{entry(3, 6, "F"), entry(3, 7, "G")});
  }

  SUBCASE("a log starts again behind another's snapshot") {
    put_five();
    const SnapshotHead head = snapshot_of({{2}, {90}}, 77);
    PeerWrite write = write_of(1, 3, 91, {"x"});
    write.write.snapshot = head;
    write.write.restart = true;
    store.write({write});
    for (int i = 0; i < 2; ++i) {
      CHECK(store.recover(1).before == head.place.id);
      CHECK(store.recover(1).snapshot == head);
      CHECK(store.recover(1).entries == std::vector<Entry>{entry(3, 91, "x")});
      store.reopen();
    }
  }

  SUBCASE("released entries are holes, and what was around them stays") {
    put_five();
    store.write({only([&](Write& write) { write.released = {{2}, {4}}; })});
    store.write({only([&](Write& write) { write.released = {{3}, {4}}; })});
    store.reopen();
    std::vector<Entry> expected = {entry(1, 1, "a")};
    for (const std::uint64_t index : {2u, 3u, 4u})
      expected.push_back({.id = {{1}, {index}}, .kind = EntryKind::released, .payload = {}});
    expected.push_back(entry(1, 5, "e"));
    CHECK(store.recover(1).entries == expected);
    store.write({truncating(write_of(1, 2, 4, {"D"}), 4)});  // In the midst of them.
    store.reopen();
    expected.resize(3);
    expected.push_back(entry(2, 4, "D"));
    CHECK(store.recover(1).entries == expected);
  }
}

/// Random histories with all that a write can hold, against what each write means.
inline void check_histories(Subject& store) {
  SUBCASE("any history leaves what it should, at once and after opening again") {
    store.put(peer_record(1));
    store.put(peer_record(2));
    std::vector<Recovered> expected(2);
    std::vector<RandomWrites> writes = {RandomWrites(1), RandomWrites(2)};
    for (int step = 0; step < 300; ++step) {
      CAPTURE(step);
      std::vector<PeerWrite> batch;
      for (std::size_t i = 0; i < 4; ++i) {
        const Write write = writes[i % 2].next_of(expected[i % 2]);
        apply(write, expected[i % 2]);
        batch.push_back({{i % 2 + 1}, write});
      }
      store.write(batch);
      if (step % 20 == 19)
        store.reopen();
      REQUIRE(is_same(store.recover(1), expected[0]));
      REQUIRE(is_same(store.recover(2), expected[1]));
    }
    CHECK(expected[0].before.index > Index{10});
  }
}

/// What any store must do. Call it in a test case of its own: each subcase starts that again, on
/// an empty disk.
inline void check_conformance(const OpenStore& open) {
  Subject store(open);
  check_peers(store);
  check_logs(store);
  check_batches(store);
  check_beginnings(store);
  check_histories(store);
}

}  // namespace troupe::storage
