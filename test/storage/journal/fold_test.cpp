#include "storage/journal/fold.hpp"

#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <map>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

using Logs = std::map<PeerId, Recovered>;

void apply_all(const std::vector<PeerWrite>& writes, Logs& logs) {
  for (const PeerWrite& write : writes)
    apply(write.write, logs[write.peer]);
}

void check_same(Logs& a, Logs& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [peer, log] : a)
    CHECK(is_same(log, b[peer]));
}

PeerWrite appending(std::uint64_t first, std::uint64_t count, const std::string& text = "x") {
  PeerWrite made{.peer = {1}, .write = {.hard_state = {.term = {1}}}};
  for (std::uint64_t index = first; index < first + count; ++index)
    made.write.entries.push_back(entry(1, index, text));
  return made;
}

bool is_hole(const Entry& entry) {
  return entry.kind == EntryKind::released;
}

}  // namespace

TEST_CASE("folded writes leave behind what they would have left one by one") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    RandomWrites random(seed);
    Random dice(seed);
    Logs one_by_one;
    Logs at_once;
    for (int part = 0; part < 6; ++part) {
      std::vector<PeerWrite> writes;
      for (std::uint64_t i = dice.below(40); i > 0; --i) {
        const PeerId peer{1 + dice.below(3)};
        writes.push_back({.peer = peer, .write = random.next_of(one_by_one[peer])});
        at_once.try_emplace(peer);
        apply(writes.back().write, one_by_one[peer]);
      }
      const std::size_t count = writes.size();
      const std::vector<PeerWrite> folded = fold(std::move(writes));
      CHECK(folded.size() <= count);
      apply_all(folded, at_once);
      check_same(one_by_one, at_once);
    }
  }
}

TEST_CASE("what one writer released of its own is a hole from the start") {
  std::vector<PeerWrite> writes = {appending(4, 3), appending(7, 2), appending(9, 1)};
  writes[1].write.released = {{2}, {5}};
  writes[2].write.released = {{1}, {7}};

  const std::vector<PeerWrite> folded = fold(std::move(writes));

  REQUIRE(folded.size() == 1);
  const Write& write = folded[0].write;
  REQUIRE(write.entries.size() == 6);
  CHECK(write.released == std::vector<Index>{{1}, {2}});
  for (const Entry& entry : write.entries) {
    CHECK(is_hole(entry) == (entry.id.index == Index{5} || entry.id.index == Index{7}));
    CHECK(entry.payload.empty() == is_hole(entry));
  }
}

TEST_CASE("what is cut in the end is not written first") {
  std::vector<PeerWrite> writes = {appending(4, 3), appending(7, 3)};
  writes[0].write.released = {{2}, {3}, {4}};
  writes[1].write.snapshot = snapshot_of({{1}, {9}}, 7);
  writes[1].write.cut_before = Index{8};

  const std::vector<PeerWrite> folded = fold(std::move(writes));

  REQUIRE(folded.size() == 1);
  const Write& write = folded[0].write;
  CHECK(write.released.empty());
  CHECK(write.cut_before == Index{8});
  REQUIRE(write.snapshot);
  for (const Entry& entry : write.entries)
    CHECK(is_hole(entry) == (entry.id.index < Index{8}));
}

TEST_CASE("where a log begins anew its writes are folded apart") {
  std::vector<PeerWrite> writes = {appending(4, 3), appending(7, 1), appending(31, 2),
                                   appending(33, 2)};
  writes[2].write.restart = true;
  writes[2].write.snapshot = snapshot_of({{1}, {30}}, 7);
  writes[3].write.snapshot = snapshot_of({{1}, {32}}, 8);

  const std::vector<PeerWrite> folded = fold(std::move(writes));

  REQUIRE(folded.size() == 3);
  CHECK(folded[0].write.entries.size() == 4);
  CHECK(folded[1].write.restart);
  CHECK(folded[1].write.snapshot->place.id.index == Index{30});
  CHECK(folded[2].write.snapshot->place.id.index == Index{32});
}
