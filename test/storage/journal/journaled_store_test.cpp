#include "storage/journal/journaled_store.hpp"

#include "storage/memory_store.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

/// What a store behind a journal was given, and whether it has room.
struct Behind {
  std::atomic<bool> has_room = true;
  std::atomic<bool> is_full = false;  ///< It noticed.
  std::vector<std::uint64_t> terms{};
  Recovered log{};  ///< Of the one peer.
  std::uint64_t record = 0;
};

class NarrowStore final : public MarkedStore {
public:
  explicit NarrowStore(std::shared_ptr<Behind> behind) : behind_(std::move(behind)) {}

  Outcome<std::vector<PeerRecord>> peers() override { return std::vector{peer_record(1)}; }
  std::optional<StoreError> put_peer(const PeerRecord&) override { return std::nullopt; }
  std::optional<StoreError> delete_peer(PeerId) override { return std::nullopt; }
  Outcome<Recovered> recover(PeerId) override { return behind_->log; }
  StoreStats stats() override { return {.full = behind_->is_full}; }
  bool make_room() override {
    behind_->is_full = !behind_->has_room;
    return behind_->has_room;
  }
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override {
    behind_->is_full = !behind_->has_room;
    if (behind_->is_full)
      return StoreError{StoreError::Kind::no_space, "full"};
    for (const PeerWrite& write : writes) {
      apply(write.write, behind_->log);
      for (const Entry& entry : write.write.entries)
        behind_->terms.push_back(entry.id.term.value);
    }
    return std::nullopt;
  }
  std::optional<StoreError> write_upto(std::span<const PeerWrite> writes,
                                       std::uint64_t record) override {
    auto problem = write(writes);
    if (!problem)
      behind_->record = record;
    return problem;
  }
  std::uint64_t last_record() const override { return behind_->record; }
  bool reserve(std::uint64_t) override { return true; }
  bool is_full() const override { return behind_->is_full; }

private:
  std::shared_ptr<Behind> behind_;
};

PeerWrite write_of(std::uint64_t term) {
  return {.peer = {1},
          .write = {.hard_state = {.term = {term}},
                    .entries = {{.id = {{term}, {term}},
                                 .kind = EntryKind::command,
                                 .payload = Bytes::copy_of(std::string(10 << 10, 'x'))}}}};
}

}  // namespace

TEST_CASE("what a store had no room for reaches it from both halves of its journal, in order") {
  const TempDirectory directory;
  const auto behind = std::make_shared<Behind>();
  auto opened = put_journal_before(std::make_unique<NarrowStore>(behind),
                                   {.directory = directory.path(), .bytes = 64 << 10});
  REQUIRE(std::holds_alternative<std::unique_ptr<Store>>(opened));
  Store& store = *std::get<std::unique_ptr<Store>>(opened);
  const auto write = [&](std::uint64_t term) {
    const PeerWrite one = write_of(term);
    return store.write({&one, 1});
  };

  REQUIRE(!write(1));
  REQUIRE(!write(2));
  REQUIRE(!write(3));  // In the other half, while the store is given the first two.
  CHECK(store.make_room());
  REQUIRE(behind->terms == std::vector<std::uint64_t>{1, 2});
  REQUIRE(!write(4));
  behind->has_room = false;
  REQUIRE(!write(5));  // Durable in the journal, whatever becomes of the other half.
  CHECK_FALSE(store.make_room());
  const auto refused = write(6);
  REQUIRE(refused);
  CHECK(refused->kind == StoreError::Kind::no_space);
  CHECK(store.stats().full);

  behind->has_room = true;
  CHECK(store.make_room());
  REQUIRE(!write(6));
  REQUIRE(std::holds_alternative<Recovered>(store.recover({1})));
  CHECK(behind->terms == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
}

TEST_CASE(
    "what a store has no room for stays in its journal, which takes votes and is found again") {
  const TempDirectory directory;
  const auto behind = std::make_shared<Behind>();
  std::unique_ptr<Store> store;
  const auto open = [&] {
    store.reset();
    store = value_of(put_journal_before(std::make_unique<NarrowStore>(behind),
                                        {.directory = directory.path(), .bytes = 64 << 10}));
  };
  const auto write = [&](std::uint64_t term) { return store->write(std::vector{write_of(term)}); };
  const auto vote = [&](std::uint64_t term) {
    return store->write(std::vector{PeerWrite{{1}, {.hard_state = {.term = {term}}}}});
  };
  const auto expect = [&](std::uint64_t entries, std::uint64_t term) {
    const Recovered log = value_of(store->recover({1}));
    CHECK(log.entries.size() == entries);
    CHECK(log.hard_state.term == Term{term});
  };

  open();
  REQUIRE(!write(1));
  REQUIRE(!write(2));
  behind->has_room = false;
  REQUIRE(!write(3));  // In the other half: the store is to take the first two.
  CHECK_FALSE(store->make_room());
  CHECK(store->stats().full);
  CHECK(write(4));
  for (std::uint64_t term = 4; term < 10; ++term)
    CHECK(!vote(term));
  CHECK(!store->put_peer(peer_record(1)));
  expect(3, 9);

  open();
  CHECK(behind->terms.empty());
  expect(3, 9);
  CHECK(store->stats().full);
  CHECK(write(10));
  CHECK(!vote(10));

  open();
  expect(3, 10);
  behind->has_room = true;
  CHECK(store->make_room());
  CHECK_FALSE(store->stats().full);
  CHECK(behind->terms == std::vector<std::uint64_t>{1, 2, 3});
  PeerWrite next = write_of(11);
  next.write.entries.front().id.index = {4};
  CHECK(!store->write({&next, 1}));
  expect(4, 11);
}
