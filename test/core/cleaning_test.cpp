#include "test/core/subject.hpp"

#include <doctest/doctest.h>

// Log cleaning (§5.3): docs/decisions/0005 says why these rules are what they are.

namespace troupe::test {

namespace {

using Indexes = std::vector<Index>;

constexpr Duration heartbeat = std::chrono::milliseconds(30);

EngineOptions at_once() {
  EngineOptions with = options();
  with.clean_entries_min = 0;
  return with;
}

/// An engine whose outputs are looked at whole.
struct Cleaner : Subject {
  std::vector<SnapshotPlace> taking{};
  std::vector<SnapshotHead> installed{};
  std::vector<SnapshotHead> offered{};

  explicit Cleaner(std::vector<Entry> more, EngineOptions with = at_once(),
                   HardState hard_state = {.term = {1}}, std::optional<SnapshotHead> snapshot = {},
                   const Configuration& configuration = voters({1, 2, 3}))
      : Subject({}, hard_state, configuration) {
    Recovered from = recovered(std::move(more), hard_state, configuration);
    from.snapshot = std::move(snapshot);
    engine = Engine(with, std::move(from), Time{});
  }

  void run() {
    while (engine.has_output()) {
      Output output = engine.take_output();
      messages.insert(messages.end(), output.messages.begin(), output.messages.end());
      committed.insert(committed.end(), output.committed.begin(), output.committed.end());
      reads.insert(reads.end(), output.reads.begin(), output.reads.end());
      if (output.take_snapshot)
        taking.push_back(*output.take_snapshot);
      if (output.install)
        installed.push_back(*output.install);
      for (const ChunkToSend& chunk : output.chunks_to_send)
        offered.push_back(std::get<SnapshotChunk>(chunk.message.body).head);
      if (!output.write)
        continue;
      writes.push_back(*output.write);
      if (instant_disk)
        engine.step(Persisted{output.write->id});
    }
  }
  void tell(const Input& input) {
    engine.step(input);
    run();
  }
  void tell(std::uint64_t from, std::uint64_t term, Body body) {
    tell(Message{our_cluster, {from}, self, {term}, std::move(body)});
  }
  void pass(Duration passed) {
    now += passed;
    tell(Tick{now});
  }
  void lead() {
    become_leader();
    run();
  }
  void accept(std::uint64_t from, std::uint64_t matched) {
    tell(from, term().value, AppendResponse{.verdict = Accepted{{matched}}});
  }
  /// A heartbeat of leader 2.
  void hear(std::uint64_t commit, std::uint64_t floor) {
    tell(2, 1,
         AppendRequest{.previous = engine.log().last(), .commit = {commit}, .floor = Index{floor}});
  }
  void released(std::uint64_t from, std::uint64_t upto, std::vector<Release> releases) {
    tell(Released{{from}, {upto}, std::move(releases)});
  }
  /// All that was released since the last `forget`, in the order of writes.
  Indexes holes() const {
    Indexes all;
    for (const Write& write : writes)
      all.insert(all.end(), write.released.begin(), write.released.end());
    return all;
  }
};

std::vector<Entry> commands(std::uint64_t upto) {
  std::vector<Entry> entries;
  for (std::uint64_t i = 2; i <= upto; ++i)
    entries.push_back(command(1, i));
  return entries;
}

SnapshotHead snapshot_at(EntryId last) {
  return {.place = {.id = last, .configuration = voters({1, 2, 3}), .configuration_index = {1}},
          .size_bytes = 10,
          .hash = 1};
}

Entry hole(std::uint64_t term, std::uint64_t index) {
  return {.id = {{term}, {index}}, .kind = EntryKind::released, .payload = {}};
}

}  // namespace

TEST_CASE("a follower makes holes of what its leader's floor lets it miss") {
  Cleaner peer(commands(5));
  peer.hear(5, 2);
  peer.released(1, 5, {{{3}, {2}}, {{5}, {4}}});
  peer.pass(heartbeat);
  CHECK(peer.holes().empty());

  peer.hear(5, 4);

  CHECK(peer.holes() == Indexes{{2}});
  CHECK(peer.engine.log().at({2}) == hole(1, 2));
  CHECK(peer.writes.back().hard_state.horizon == Index{3});
  CHECK(peer.engine.log().at({4}).kind == EntryKind::command);
}

TEST_CASE("nothing becomes a hole because of an entry that may be lost in a crash") {
  Cleaner peer(commands(2));
  peer.instant_disk = false;
  peer.tell(2, 1,
            AppendRequest{
                .previous = {{1}, {2}}, .commit = {3}, .entries = {command(1, 3)}, .floor = {3}});
  peer.released(1, 3, {{{3}, {2}}});
  peer.pass(heartbeat);
  CHECK(peer.holes().empty());

  peer.tell(Persisted{peer.writes.back().id});

  CHECK(peer.holes() == Indexes{{2}});
}

TEST_CASE("a leader makes holes when all who are sent the log have what released them") {
  Configuration configuration = voters({1, 2, 3});
  configuration.learners = {{.id = {4}, .name = "p4", .address = {}}};
  Cleaner peer(commands(3), at_once(), {.term = {1}}, {}, configuration);
  peer.lead();  // Its first entry is 4.
  peer.accept(2, 4);
  peer.released(1, 4, {{{3}, {2}}});
  peer.accept(3, 4);
  peer.pass(heartbeat);
  CHECK(peer.holes().empty());
  CHECK(peer.sent<AppendRequest>().back().floor == Index{0});

  peer.accept(4, 3);
  peer.pass(heartbeat);
  peer.pass(heartbeat);  // The next tells of it.

  CHECK(peer.holes() == Indexes{{2}});
  CHECK(peer.sent<AppendRequest>().back().floor == Index{3});
  CHECK(peer.sent<AppendRequest>().back().horizon == Index{3});
}

TEST_CASE("the floor of an old leader is none of the next") {
  Cleaner peer(commands(3));
  peer.hear(3, 3);
  peer.lead();
  peer.released(1, 3, {{{3}, {2}}});
  peer.pass(heartbeat);

  CHECK(peer.holes().empty());
}

TEST_CASE("a tombstone goes behind all that is released before it, also a step at a time") {
  EngineOptions one = at_once();
  one.clean_entries_max = 1;
  Cleaner peer(commands(5), one);
  peer.hear(5, 5);
  peer.released(1, 5, {{{3}, {2}}, {{4}, {3}}, {{4}, {4}}});
  for (int i = 0; i < 4; ++i)
    peer.pass(heartbeat);

  CHECK(peer.holes() == Indexes{{2}, {3}, {4}});
  for (const Write& write : peer.writes)
    CHECK(write.released.size() <= 1);
}

TEST_CASE("nothing is cleaned before half as much is released as stays, and then in log order") {
  EngineOptions many = options();
  many.clean_entries_min = 3;
  many.clean_entries_max = 2;
  Cleaner peer(commands(12), many);
  peer.hear(12, 12);
  peer.released(1, 9, {{{7}, {5}}, {{8}, {2}}, {{9}, {4}}});
  peer.pass(heartbeat);
  CHECK(peer.holes().empty());

  peer.released(10, 10, {{{10}, {3}}});
  CHECK(peer.holes() == Indexes{{2}, {3}});
  peer.released(11, 12, {{{11}, {6}}});
  peer.pass(heartbeat);
  CHECK(peer.holes() == Indexes{{2}, {3}, {4}, {5}});
  peer.pass(heartbeat);
  CHECK(peer.holes().size() == 4);
  CHECK(peer.engine.view().holes_to_make == 1);
}

TEST_CASE("a sweep waits while somebody may lack what allowed it") {
  EngineOptions one = at_once();
  one.clean_entries_max = 1;
  Cleaner peer(commands(5), one);
  peer.hear(5, 5);
  peer.released(1, 5, {{{4}, {2}}, {{5}, {3}}});
  peer.pass(heartbeat);
  REQUIRE(peer.holes() == Indexes{{2}});

  peer.tell(3, 2, AppendRequest{.previous = peer.engine.log().last(), .floor = Index{4}});
  peer.pass(heartbeat);
  CHECK(peer.holes().size() == 1);
  peer.tell(3, 2, AppendRequest{.previous = peer.engine.log().last(), .floor = Index{5}});
  peer.pass(heartbeat);
  CHECK(peer.holes() == Indexes{{2}, {3}});
}

TEST_CASE("nothing is cleaned in the first heartbeat of a term, however much waits") {
  EngineOptions one = at_once();
  one.clean_entries_max = 1;
  Cleaner peer(commands(6), one);
  peer.hear(6, 6);
  peer.released(1, 6, {{{4}, {2}}, {{5}, {3}}, {{6}, {4}}});
  peer.pass(heartbeat);
  REQUIRE(peer.holes() == Indexes{{2}});
  const auto next_entry = [&](std::uint64_t index) {
    peer.tell(3, 2,
              AppendRequest{.previous = peer.engine.log().last(),
                            .entries = {command(2, index)},
                            .floor = Index{6}});
  };

  next_entry(7);
  CHECK(peer.holes() == Indexes{{2}});
  peer.pass(heartbeat);
  next_entry(8);

  CHECK(peer.holes() == Indexes{{2}, {3}});
}

TEST_CASE("a tombstone stays where a snapshot may hold what it deleted") {
  Cleaner peer(commands(5), at_once(), {.term = {1}}, snapshot_at({{1}, {3}}));
  peer.hear(5, 5);
  peer.released(4, 5, {{{4}, {2}}, {{4}, {4}}, {{5}, {5}}});
  peer.pass(heartbeat);

  CHECK(peer.holes() == Indexes{{2}});
}

TEST_CASE("a tombstone stays where a snapshot is being taken") {
  Cleaner peer(commands(5));
  peer.hear(4, 5);
  REQUIRE(peer.engine.take_snapshot());
  peer.run();
  REQUIRE(peer.taking.size() == 1);
  peer.hear(5, 5);
  peer.released(1, 5, {{{5}, {2}}, {{5}, {5}}});
  peer.pass(heartbeat);

  CHECK(peer.holes() == Indexes{{2}});
}

TEST_CASE("only commands become holes") {
  std::vector<Entry> entries = commands(4);
  entries[1] = noop(1, 3);
  Cleaner peer(entries);
  peer.hear(4, 4);
  peer.released(1, 4, {{{4}, {1}}, {{4}, {2}}, {{4}, {3}}});
  peer.pass(heartbeat);

  CHECK(peer.holes() == Indexes{{2}});
}

TEST_CASE("a report that is missing ends cleaning") {
  Cleaner peer(commands(5));
  peer.hear(5, 5);
  peer.released(1, 2, {});
  peer.released(4, 5, {{{5}, {2}}});  // What 3 released is not known.
  peer.released(1, 5, {{{5}, {2}}});
  peer.pass(heartbeat);
  CHECK(peer.holes().empty());

  peer.released(3, 5, {{{5}, {2}}});
  peer.pass(heartbeat);
  CHECK(peer.holes() == Indexes{{2}});
}

TEST_CASE("reports that are not in order, or of what is not applied, do not count") {
  for (const Released& wrong : {
           Released{{1}, {6}, {{{5}, {2}}}},
           Released{{1}, {5}, {{{5}, {2}}, {{4}, {3}}}},
           Released{{1}, {5}, {{{5}, {2}}, {{5}, {2}}}},
           Released{{1}, {5}, {{{3}, {4}}}},
           Released{{1}, {5}, {{{3}, {0}}}},
       }) {
    Cleaner peer(commands(5));
    peer.hear(5, 6);
    peer.tell(wrong);
    peer.pass(heartbeat);
    CHECK(peer.holes().empty());
    CHECK(peer.engine.view().holes_to_make == 0);
  }
}

TEST_CASE("without the option nothing is cleaned") {
  EngineOptions off = options();
  off.cleaning = false;
  Cleaner peer(commands(5), off);
  peer.hear(5, 5);
  peer.released(1, 5, {{{5}, {2}}});
  peer.pass(heartbeat);

  CHECK(peer.holes().empty());
}

TEST_CASE("who may hold what a tombstone deleted gets a snapshot behind the holes, not the log") {
  std::vector<Entry> log = commands(6);
  log[1] = hole(1, 3);
  log[2] = hole(1, 4);
  Cleaner peer(log, at_once(), {.term = {1}, .horizon = {4}});
  peer.lead();  // Its first entry is 7.
  peer.accept(2, 7);
  peer.forget();
  // It was no member when 4 deleted what 2 and 3 had made, and has all but the deletion.
  peer.tell(3, 2, AppendResponse{.verdict = Rejected{{{1}, {6}}, {{1}, {3}}}});
  peer.pass(heartbeat);

  for (const AppendRequest& request : peer.sent<AppendRequest>())
    CHECK(request.entries.empty());
  REQUIRE(peer.taking.size() == 1);
  CHECK(peer.engine.view().followers.at({3}).pace == Pace::snapshot);
  SnapshotHead head{.place = peer.taking.back(), .size_bytes = 10, .hash = 1};
  peer.tell(SnapshotTaken{head});
  CHECK(!peer.offered.empty());

  peer.forget();
  peer.accept(3, head.place.id.index.value);
  CHECK(peer.engine.view().followers.at({3}).match == Index{7});
  REQUIRE(peer.engine.propose(std::vector{Bytes::copy_of("y")}));
  peer.run();
  CHECK(peer.sent<AppendRequest>().back().entries.size() == 1);
}

TEST_CASE("who has nothing is sent a log with holes from its beginning") {
  std::vector<Entry> log = commands(6);
  log[1] = hole(1, 3);
  Cleaner peer(log, at_once(), {.term = {1}, .horizon = {4}});
  peer.lead();
  peer.accept(2, 7);
  peer.forget();
  peer.tell(3, 2, AppendResponse{.verdict = Rejected{{{1}, {6}}, {}}});

  const auto requests = peer.sent<AppendRequest>();
  REQUIRE(!requests.empty());
  REQUIRE(requests.back().entries.size() == 7);
  CHECK(requests.back().entries[2] == hole(1, 3));
  CHECK(requests.back().horizon == Index{4});
  CHECK(peer.taking.empty());
}

TEST_CASE("who refuses an older term's heartbeat does not say by it that it has nothing") {
  std::vector<Entry> log = commands(6);
  log[2] = hole(1, 4);
  Cleaner peer(log, at_once(), {.term = {1}, .horizon = {4}});
  peer.lead();
  peer.accept(2, 7);
  peer.forget();
  // A standby is asked for nothing in front of nothing, and whoever leads a later term hears this.
  peer.tell(3, 2, AppendResponse{.verdict = Rejected{{}, {}}});
  peer.tell(3, 2, AppendResponse{.verdict = Rejected{{{1}, {6}}, {{1}, {3}}}});
  peer.pass(heartbeat);

  for (const AppendRequest& request : peer.sent<AppendRequest>())
    CHECK(request.entries.empty());
  CHECK(peer.taking.size() == 1);
}

TEST_CASE("who holds the end of a snapshot keeps its own log, and applies it") {
  Cleaner peer(commands(6));
  peer.hear(3, 0);

  peer.tell(2, 1, SnapshotChunk{.head = snapshot_at({{1}, {5}}), .offset = 0, .data = {}});

  CHECK(peer.accepted() == Index{5});
  CHECK(peer.commit() == Index{5});
  CHECK(peer.committed.size() == 5);
  CHECK(peer.installed.empty());
}

TEST_CASE("before the horizon no snapshot is taken and no read is answered") {
  Cleaner peer({}, at_once(), {.term = {1}});
  peer.tell(2, 1,
            AppendRequest{.previous = {{1}, {1}},
                          .commit = {3},
                          .entries = {hole(1, 2), command(1, 3)},
                          .horizon = {4}});
  CHECK(peer.writes.back().hard_state.horizon == Index{4});
  CHECK(peer.engine.view().applied == Index{3});
  CHECK(peer.engine.take_snapshot().refusal() == Refusal::busy);

  peer.tell(2, 1, AppendRequest{.previous = {{1}, {3}}, .commit = {4}, .entries = {command(1, 4)}});
  CHECK(peer.engine.take_snapshot());
}

TEST_CASE("what asks for a hole with a payload makes no sense") {
  Cleaner peer(commands(2));
  Entry odd = hole(1, 3);
  odd.payload = Bytes::copy_of("x");

  peer.tell(2, 1, AppendRequest{.previous = {{1}, {2}}, .entries = {odd}});

  CHECK(peer.engine.view().dropped == 1);
  CHECK(peer.engine.log().last() == EntryId{{1}, {2}});
}

TEST_CASE("a log of holes does not ask for a snapshot by its number of entries") {
  EngineOptions few = at_once();
  few.snapshot_entries = 10;
  Cleaner peer(commands(9), few);
  peer.hear(9, 9);
  std::vector<Release> releases;
  for (std::uint64_t i = 3; i <= 9; ++i)
    releases.push_back({{i}, {i - 1}});
  peer.released(1, 9, releases);
  peer.pass(heartbeat);
  REQUIRE(peer.engine.view().holes == 7);
  for (std::uint64_t i = 10; i <= 16; ++i) {
    peer.tell(
        2, 1,
        AppendRequest{
            .previous = {{1}, {i - 1}}, .commit = {i}, .entries = {command(1, i)}, .floor = {i}});
    peer.released(i, i, {{{i}, {i - 1}}});
    peer.pass(heartbeat);
  }

  CHECK(peer.taking.empty());
  CHECK(peer.engine.view().holes == 14);
}

}  // namespace troupe::test
