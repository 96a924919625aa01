#include "test/storage/faults.hpp"

#include "storage/acknowledged.hpp"
#include "storage/directory.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/journaled_store.hpp"
#include "storage/snapshots/file_snapshots.hpp"
#include "storage/snapshots/memory_snapshots.hpp"
#include "test/child.hpp"
#include "test/storage/samples.hpp"
#include "test/storage/snapshot_samples.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;
namespace fs = std::filesystem;

namespace {

/// As it is set, until the end.
template <class Value>
class Set {
public:
  Set(Value& what, Value to) : what_(what), before_(std::exchange(what, to)) {}
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;
  ~Set() { what_ = before_; }

private:
  Value& what_;
  Value before_;
};

/// Does `task` in a process that is killed then, if it was not before.
void do_and_die(const std::function<void()>& task) {
  const int end = run_in_child([&] {
    task();
    ::raise(SIGKILL);
  });
  REQUIRE(end == ended_by + SIGKILL);
}

/// A store that has broken.
class BrokenStore final : public MarkedStore {
public:
  Outcome<std::vector<PeerRecord>> peers() override { return std::vector<PeerRecord>{}; }
  std::optional<StoreError> put_peer(const PeerRecord&) override { return broken(); }
  std::optional<StoreError> delete_peer(PeerId) override { return broken(); }
  Outcome<Recovered> recover(PeerId) override { return Recovered{}; }
  StoreStats stats() override { return {}; }
  std::optional<StoreError> write(std::span<const PeerWrite>) override { return broken(); }
  std::optional<StoreError> write_upto(std::span<const PeerWrite>, std::uint64_t) override {
    return broken();
  }
  std::uint64_t last_record() const override { return 0; }
  bool reserve(std::uint64_t) override { return true; }
  bool is_full() const override { return false; }

private:
  static std::optional<StoreError> broken() { return StoreError{StoreError::Kind::io, "broken"}; }
};

std::unique_ptr<Store> open_broken(const std::string& directory) {
  return value_of(put_journal_before(std::make_unique<BrokenStore>(),
                                     {.directory = directory, .bytes = 64 << 10}));
}

std::string refusal_of(const LmdbOptions& how) {
  const auto opened = open_lmdb_store(how);
  const auto* error = std::get_if<StoreError>(&opened);
  return error != nullptr ? error->text : "";
}

/// A snapshot of another peer's to receive.
struct Sent {
  MemoryShelf shelf{};
  std::unique_ptr<Snapshots> sender = open_memory_snapshots(shelf);
  SnapshotHead head = write_snapshot(*sender, {1}, 5, {noise(1000, 1), noise(1000, 2)});
  std::string bytes = all_bytes(*sender, {1}, head);

  Outcome<std::uint64_t> send(Snapshots& to, std::size_t from, std::size_t upto) const {
    return to.receive({2}, head, from, Bytes::copy_of(bytes.substr(from, upto - from)));
  }
};

}  // namespace

TEST_CASE("a store is not taken for new if its ACKNOWLEDGED cannot be read") {
  const TempDirectory directory;
  { REQUIRE(!open_lmdb(options(directory.path()))->put_peer(peer_record(1))); }
  const std::string file = directory.path() + "/ACKNOWLEDGED";
  fs::remove(file);
  fs::create_directory(file);  // It can be opened to read, and reading it is an error.
  CHECK(refusal_of(options(directory.path())) == file + ": read: Is a directory");
  const auto read = read_acknowledged(directory.path());
  REQUIRE(std::holds_alternative<StoreError>(read));
  CHECK(std::get<StoreError>(read).text == file + ": read: Is a directory");
}

TEST_CASE("a journal that is missing is an error, also where none is asked for") {
  const TempDirectory directory;
  LmdbOptions how = with_journal(directory.path());
  do_and_die([&] {
    const auto store = open_lmdb(how);
    if (!store->put_peer(peer_record(1)) && !store->write(std::vector{write_of(1, 1, 1, {"a"})}))
      ::raise(SIGKILL);
  });
  fs::remove(journal_file(directory.path()));
  how.journal_bytes = 0;
  CHECK(refusal_of(how).starts_with(journal_file(directory.path()) + ": is missing"));
}

TEST_CASE("a journal beside an older copy of its store is an error") {
  const TempDirectory directory;
  const LmdbOptions how = with_journal(directory.path());
  const std::string file = data_file(directory.path());
  { const auto store = open_lmdb(how); }
  fs::copy_file(file, directory.path() + "/older");
  do_and_die([&] {
    const auto store = open_lmdb(how);
    if (!store->put_peer(peer_record(1)) && !store->write(std::vector{write_of(1, 1, 1, {"a"})}))
      ::raise(SIGKILL);
  });
  fs::rename(directory.path() + "/older", file);
  fs::remove(directory.path() + "/ACKNOWLEDGED");
  CHECK(refusal_of(how).find("belongs to another copy of the store") != std::string::npos);
}

TEST_CASE("every directory that is created for a store is durable in the one above it") {
  const TempDirectory directory;
  faults::synced.clear();
  { const auto store = open_lmdb(with_journal(directory.path() + "/a/b/c")); }
  CHECK(faults::synced.contains(directory.path()));
  CHECK(faults::synced.contains(directory.path() + "/a"));
  CHECK(faults::synced.contains(directory.path() + "/a/b"));
}

TEST_CASE("what breaks the store behind a journal breaks the journal") {
  const TempDirectory directory;
  const auto store = open_broken(directory.path());
  REQUIRE(store->write(std::vector{write_of(1, 1, 1, {std::string(100 << 10, 'x')})}));
  CHECK(store->write(std::vector{write_of(1, 1, 1, {"it would fit"})}));
}

TEST_CASE("a peer that could not be put breaks the journal, too") {
  const TempDirectory directory;
  const auto store = open_broken(directory.path());
  REQUIRE(store->put_peer(peer_record(1)));
  CHECK(store->write(std::vector{write_of(1, 1, 1, {"it would fit"})}));
}

TEST_CASE("where no thread is to be had, whoever needs the other half of a journal empties it") {
  const TempDirectory directory;
  LmdbOptions how = with_journal(directory.path());
  how.journal_bytes = 64 << 10;
  const auto store = open_lmdb(how);
  REQUIRE(!store->put_peer(peer_record(1)));
  const Set no_threads(faults::no_threads, true);
  for (std::uint64_t i = 1; i <= 20; ++i)
    REQUIRE(!store->write(std::vector{write_of(1, 1, i, {std::string(10 << 10, 'x')})}));
  CHECK(value_of(store->recover({1})).entries.size() == 20);
}

TEST_CASE("a received snapshot whose name may not last is not finished") {
  const Sent sent;
  const TempDirectory directory;
  const auto snapshots = value_of(open_snapshots(directory.path()));
  REQUIRE(value_of(sent.send(*snapshots, 0, 1500)) == 1500);
  {
    const Set failing(faults::sync_of_directories, faults::Sync::failed);
    CHECK(std::holds_alternative<StoreError>(sent.send(*snapshots, 1500, sent.bytes.size())));
    CHECK(snapshots->received({2}, sent.head) == 0);
  }
  CHECK(value_of(sent.send(*snapshots, 0, sent.bytes.size())) == sent.bytes.size());
}

TEST_CASE("a received snapshot that was named just before a kill is durable before it counts") {
  const Sent sent;
  const TempDirectory directory;
  do_and_die([&] {
    const auto snapshots = value_of(open_snapshots(directory.path()));
    if (std::holds_alternative<StoreError>(sent.send(*snapshots, 0, 1500)))
      ::_exit(1);
    faults::sync_of_directories = faults::Sync::killed;
    (void)sent.send(*snapshots, 1500, sent.bytes.size());
    ::_exit(1);
  });
  const auto snapshots = value_of(open_snapshots(directory.path()));
  {
    const Set failing(faults::sync_of_directories, faults::Sync::failed);
    CHECK(snapshots->received({2}, sent.head) == 0);
  }
  faults::synced.clear();
  CHECK(snapshots->received({2}, sent.head) == sent.bytes.size());
  CHECK_FALSE(faults::synced.empty());
}
