#include "storage/record.hpp"

#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

using Bytes8 = std::vector<std::uint8_t>;

Bytes8 record_of(const Entry& entry, Tail& tail) {
  Bytes8 value(record_size(entry));
  write_record(entry, tail, value);
  return value;
}

/// Calls `visit(broken)` for each value that differs from `sound` in one bit, or ends too soon.
template <class Visit>
void for_each_damage(const Bytes8& sound, Visit visit) {
  for (std::size_t i = 0; i < sound.size(); ++i) {
    visit(Bytes8(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(i)));
    for (int bit = 0; bit < 8; ++bit) {
      Bytes8 broken = sound;
      broken[i] = static_cast<std::uint8_t>(broken[i] ^ (1 << bit));
      visit(broken);
    }
  }
}

}  // namespace

TEST_CASE("a record holds its entry and moves the tail to it") {
  Tail tail = empty_tail({7});
  const Entry sent = entry(3, 1, "payload");
  const Bytes8 value = record_of(sent, tail);
  CHECK(tail.last == sent.id);

  StoredEntry got;
  REQUIRE(!read_record(value, got));
  Tail read_tail = empty_tail({7});
  REQUIRE(!follow(got, read_tail));

  CHECK(got.id == sent.id);
  CHECK(got.kind == sent.kind);
  CHECK(Bytes::copy_of(got.payload) == sent.payload);
  CHECK(read_tail == tail);
}

TEST_CASE("a record with any bit changed or byte missing is refused") {
  Tail tail = empty_tail({7});
  for_each_damage(record_of(entry(3, 1, "payload"), tail), [](const Bytes8& broken) {
    StoredEntry got;
    CHECK(read_record(broken, got));
  });
}

TEST_CASE("a sound record in a place that is not its own is refused") {
  Tail tail = empty_tail({7});
  const Bytes8 first = record_of(entry(1, 1, "a"), tail);
  const Tail after_first = tail;
  const Bytes8 second = record_of(entry(1, 2, "b"), tail);
  const auto problem_of = [](const Bytes8& value, Tail where) {
    StoredEntry got;
    REQUIRE(!read_record(value, got));
    const auto problem = follow(got, where);
    return problem ? problem->text : "";
  };
  CHECK(problem_of(first, empty_tail({7})).empty());
  CHECK(problem_of(second, after_first).empty());

  CHECK(problem_of(second, empty_tail({7})) == "holds the entry of index 2");
  CHECK(problem_of(first, empty_tail({8})).starts_with("does not follow"));  // Another's log.
  Tail other = empty_tail({7});
  record_of(entry(1, 1, "before it was replaced"), other);
  CHECK(problem_of(second, other).starts_with("does not follow"));
  other.last.term = {2};
  CHECK(problem_of(second, other).starts_with("its term 1 is below 2"));
}

TEST_CASE("holes side by side are one record, which ends where they end") {
  Holes sent{.first = {5}, .terms = {}, .before = {11}, .chain = {}};
  REQUIRE(extend(sent, {2}, {12}));
  REQUIRE(extend(sent, {2}, {13}));
  REQUIRE(extend(sent, Holes{{7}, {{{2}, 1}, {{4}, 3}}, {13}, {14}}));
  CHECK(sent.terms == std::vector<TermRun>{{{2}, 3}, {{4}, 3}});

  StoredEntry got;
  const Bytes8 value = write_holes(sent);
  REQUIRE(!read_record(value, got));
  Tail tail{.last = {{1}, {4}}, .chain = {11}};
  REQUIRE(!follow(got, tail));

  CHECK(tail == Tail{.last = {{4}, {10}}, .chain = {14}});
  CHECK(holes_in(got) == 6);
  tail.chain = {10};
  CHECK(follow(got, tail));
  for_each_damage(value, [](const Bytes8& broken) {
    StoredEntry entry;
    CHECK(read_record(broken, entry));
  });
}

TEST_CASE("holes are split anywhere, and the two follow each other") {
  for (std::uint64_t upto = 5; upto < 10; ++upto) {
    CAPTURE(upto);
    Holes back{.first = {5}, .terms = {{{2}, 3}, {{4}, 3}}, .before = {11}, .chain = {14}};
    const Holes front = split(back, {upto});
    CHECK(front.first == Index{5});
    CHECK(front.last() == EntryId{{upto < 8 ? 2u : 4u}, {upto}});
    CHECK(back.first == Index{upto + 1});
    CHECK(back.last() == EntryId{{4}, {10}});
    CHECK(back.before == front.chain);
    CHECK(front.before == Chain{11});
    CHECK(back.chain == Chain{14});
  }
}

TEST_CASE("a record of holes takes so many terms and no more") {
  Holes holes{.first = {1}};
  for (std::uint64_t term = 1; term <= hole_terms_max; ++term)
    CHECK(extend(holes, {term}, {term}));
  CHECK(!extend(holes, {hole_terms_max + 1}, {}));
  CHECK(!extend(holes, holes));
  CHECK(extend(holes, {hole_terms_max}, {}));
  CHECK(holes.count() == hole_terms_max + 1);
}

TEST_CASE("states, commits, peers and the format are checked to the last bit") {
  const PeerState sent{
      .hard_state = {.term = {5}, .voted_for = {2}, .cluster = {99}, .horizon = {4}},
      .before = {.last = {{2}, {5}}, .chain = {66}},
      .tail = {.last = {{4}, {12}}, .chain = {77}},
      .holes = 3,
      .snapshot_hash = 4};
  const Bytes8 state = write_state({7}, sent);
  PeerState got;
  REQUIRE(!read_state(state, {7}, got));
  CHECK(got == sent);
  CHECK(read_state(state, {8}, got));
  for_each_damage(state, [&](const Bytes8& broken) { CHECK(read_state(broken, {7}, got)); });

  // Of a peer that was set back it has another format: older programs do not take it for any other.
  PeerState set_back = sent;
  set_back.hard_state.set_back = true;
  const Bytes8 marked = write_state({7}, set_back);
  REQUIRE(!read_state(marked, {7}, got));
  CHECK(got == set_back);
  CHECK(marked.size() == state.size());
  CHECK(marked[4] == state[4] + 1);
  for_each_damage(marked, [&](const Bytes8& broken) { CHECK(read_state(broken, {7}, got)); });

  Commit commit;
  REQUIRE(!read_commit(write_commit({.transaction = 17, .journal = 4}), commit));
  CHECK(commit.transaction == 17);
  CHECK(commit.journal == 4);
  for_each_damage(write_commit({.transaction = 17, .journal = 4}),
                  [&](const Bytes8& broken) { CHECK(read_commit(broken, commit)); });

  PeerRecord peer;
  REQUIRE(!read_peer(write_peer(peer_record(3)), peer));
  CHECK(peer == peer_record(3));
  for_each_damage(write_peer(peer_record(3)),
                  [&](const Bytes8& broken) { CHECK(read_peer(broken, peer)); });

  const SnapshotHead head{.place = {.id = {{3}, {9}},
                                    .configuration = {.voters = {{{1}, "peer1", "a:1"}}},
                                    .configuration_index = {4}},
                          .size_bytes = 5,
                          .hash = 6};
  SnapshotHead got_head;
  REQUIRE(!read_snapshot(write_snapshot(head), got_head));
  CHECK(got_head == head);
  for_each_damage(write_snapshot(head),
                  [&](const Bytes8& broken) { CHECK(read_snapshot(broken, got_head)); });

  Meta meta;
  REQUIRE(!read_meta(write_meta({1, 2, 3}), meta));
  CHECK(meta.created_s == 1);
  CHECK(meta.peers == 2);
  CHECK(meta.peers_hash == 3);
  for_each_damage(write_meta({1, 2, 3}),
                  [&](const Bytes8& broken) { CHECK(read_meta(broken, meta)); });
}
