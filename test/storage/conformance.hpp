#pragma once

#include "storage/store.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

/// Opens a store on the same disk each time; the one opened before is closed by then. The disk is
/// empty at first.
using OpenStore = std::function<std::unique_ptr<Store>()>;

/// What any store must do. Call it in a test case of its own: each subcase starts that again, on
/// an empty disk.
inline void check_conformance(const OpenStore& open) {
  std::unique_ptr<Store> store = open();
  const auto reopen = [&] {
    store.reset();
    store = open();
  };
  const auto put = [&](const PeerRecord& peer) { REQUIRE(!store->put_peer(peer)); };
  const auto write = [&](const std::vector<PeerWrite>& writes) { REQUIRE(!store->write(writes)); };
  const auto recover = [&](std::uint64_t peer) { return value_of(store->recover({peer})); };

  SUBCASE("an empty store knows no peers") {
    CHECK(value_of(store->peers()).empty());
  }

  SUBCASE("an unknown peer has an empty log") {
    CHECK(recover(7).entries.empty());
    CHECK(recover(7).hard_state == HardState{});
  }

  SUBCASE("peers are there by name, with all that was said of them") {
    const PeerRecord a{{900}, "a", "map", false};
    const PeerRecord b{{1}, "b", "counter", true};
    put(b);
    put(a);
    CHECK(value_of(store->peers()) == std::vector<PeerRecord>{a, b});
    reopen();
    CHECK(value_of(store->peers()) == std::vector<PeerRecord>{a, b});
  }

  SUBCASE("whether a peer runs can change, and its log stays") {
    PeerRecord peer = peer_record(1);
    put(peer);
    write({write_of(1, 1, 1, {"x"})});
    peer.running = false;
    put(peer);
    reopen();
    CHECK(value_of(store->peers()) == std::vector<PeerRecord>{peer});
    CHECK(recover(1).entries.size() == 1);
  }

  SUBCASE("a peer that wrote nothing has an empty log") {
    put(peer_record(1));
    reopen();
    CHECK(recover(1).entries.empty());
    CHECK(recover(1).hard_state == HardState{});
  }

  SUBCASE("what was written is there, at once and after opening again") {
    put(peer_record(1));
    PeerWrite sent = write_of(1, 3, 1, {"a", "", std::string(10000, 'x')});
    sent.write.entries[0].kind = EntryKind::configuration;
    sent.write.entries[1].kind = EntryKind::noop;
    write({sent});
    CHECK(recover(1).entries == sent.write.entries);
    CHECK(recover(1).hard_state == sent.write.hard_state);
    reopen();
    CHECK(recover(1).entries == sent.write.entries);
    CHECK(recover(1).hard_state == sent.write.hard_state);
  }

  SUBCASE("a write without entries changes the hard state alone") {
    put(peer_record(1));
    write({write_of(1, 1, 1, {"a"})});
    PeerWrite vote{.peer = {1}};
    vote.write.hard_state = {.term = {5}, .voted_for = {2}, .cluster = {99}};
    write({vote});
    reopen();
    CHECK(recover(1).hard_state == vote.write.hard_state);
    CHECK(recover(1).entries.size() == 1);
  }

  SUBCASE("a log grows by later writes") {
    put(peer_record(1));
    write({write_of(1, 1, 1, {"a", "b"})});
    write({write_of(1, 2, 3, {"c"})});
    reopen();
    write({write_of(1, 2, 4, {"d"})});
    reopen();
    REQUIRE(recover(1).entries.size() == 4);
    CHECK(recover(1).entries.back() == entry(2, 4, "d"));
  }

  SUBCASE("a suffix is replaced in one write") {
    put(peer_record(1));
    write({write_of(1, 1, 1, {"a", "b", "c"})});
    write({truncating(write_of(1, 2, 2, {"B"}), 2)});
    CHECK(recover(1).entries == std::vector<Entry>{entry(1, 1, "a"), entry(2, 2, "B")});
    reopen();
    CHECK(recover(1).entries == std::vector<Entry>{entry(1, 1, "a"), entry(2, 2, "B")});
  }

  SUBCASE("a log can be truncated to nothing, and grow again") {
    put(peer_record(1));
    write({write_of(1, 1, 1, {"a", "b"})});
    write({truncating(write_of(1, 2, 1, {}), 1)});
    reopen();
    CHECK(recover(1).entries.empty());
    write({write_of(1, 2, 1, {"A"})});
    reopen();
    CHECK(recover(1).entries == std::vector<Entry>{entry(2, 1, "A")});
  }

  SUBCASE("truncating behind the end changes nothing") {
    put(peer_record(1));
    write({write_of(1, 1, 1, {"a"})});
    write({truncating(write_of(1, 1, 2, {"b"}), 2)});
    reopen();
    CHECK(recover(1).entries.size() == 2);
  }

  SUBCASE("the writes of a batch take place in order, in one commit") {
    put(peer_record(1));
    put(peer_record(2));
    const std::uint64_t before = store->stats().commits;
    write({write_of(1, 1, 1, {"a", "b", "c"}), write_of(2, 1, 1, {"x"}),
           truncating(write_of(1, 2, 3, {"C"}), 3), write_of(2, 4, 2, {"y"}),
           write_of(1, 2, 4, {"D"})});
    CHECK(store->stats().commits == before + 1);
    reopen();
    CHECK(recover(1).entries
          == std::vector<Entry>{entry(1, 1, "a"), entry(1, 2, "b"), entry(2, 3, "C"),
                                entry(2, 4, "D")});
    CHECK(recover(1).hard_state.term == Term{2});
    CHECK(recover(2).entries == std::vector<Entry>{entry(1, 1, "x"), entry(4, 2, "y")});
    CHECK(recover(2).hard_state.term == Term{4});
  }

  SUBCASE("an empty batch is no commit") {
    const std::uint64_t before = store->stats().commits;
    write({});
    CHECK(store->stats().commits == before);
  }

  SUBCASE("what is used grows with what is written") {
    put(peer_record(1));
    const std::uint64_t before = store->stats().used_bytes;
    write({write_of(1, 1, 1, {std::string(100000, 'x')})});
    CHECK(store->stats().used_bytes >= before + 100000);
  }
}

}  // namespace troupe::storage
