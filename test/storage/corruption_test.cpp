#include "core/random.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"
#include "test/storage/tamper.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

namespace fs = std::filesystem;

/// A small store with all that a tree can have: pages in use and free, large values, several logs.
std::vector<Recovered> fill(const std::string& directory) {
  const auto store = open_lmdb(directory);
  std::vector<Recovered> expected;
  for (const std::uint64_t peer : {1u, 2u})
    REQUIRE(!store->put_peer(peer_record(peer)));
  for (std::uint64_t i = 0; i < 10; ++i) {
    std::vector<PeerWrite> batch;
    for (const std::uint64_t peer : {1u, 2u}) {
      const std::string text = "payload " + std::to_string(peer) + "/" + std::to_string(i) + " ";
      const std::uint64_t first = 1 + 8 * i;
      batch.push_back(
          write_of(peer, 1 + i, first, std::vector<std::string>(10, text + std::string(100, 'x'))));
      batch.push_back(
          truncating(write_of(peer, 1 + i, first + 7, {text + std::string(5000, 'y')}), first + 7));
    }
    REQUIRE(!store->write(batch));
  }
  // Of the second peer: holes in the midst, and what was before them cut.
  PeerWrite write = write_of(2, 10, 1, {});
  write.write.snapshot = snapshot_of({{4}, {30}}, 77);
  write.write.cut_before = Index{20};
  for (std::uint64_t index = 21; index < 70; index += index % 3)
    write.write.released.push_back({++index});
  REQUIRE(!store->write(std::vector{write}));
  for (const std::uint64_t peer : {1u, 2u})
    expected.push_back(value_of(store->recover({peer})));
  return expected;
}

std::string error_on_open(const std::string& directory) {
  const StoreError error = error_of(open_lmdb_store(options(directory)));
  CHECK(error.kind == StoreError::Kind::corrupt);
  return error.text;
}

bool is_as_expected(Store& store, const std::vector<Recovered>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto outcome = store.recover({i + 1});
    const auto* recovered = std::get_if<Recovered>(&outcome);
    if (recovered == nullptr || !is_same(*recovered, expected[i]))
      return false;
  }
  return true;
}

/// A store with one peer and three entries, and the text of the error on opening it after `harm`.
template <class Harm>
std::string error_after(Harm harm) {
  const TempDirectory directory;
  {
    const auto store = open_lmdb(directory.path());
    REQUIRE(!store->put_peer(peer_record(1)));
    const std::vector<PeerWrite> writes = {write_of(1, 1, 1, {"a", "b", "c"})};
    REQUIRE(!store->write(writes));
  }
  harm(directory.path());
  const std::string file = data_file(directory.path());
  std::string text = error_on_open(directory.path());
  REQUIRE(text.starts_with(file));
  return text.substr(file.size());
}

template <class Change>
std::string error_after_tampering(Change change) {
  return error_after([&](const std::string& directory) {
    Tampering tampering(directory);
    change(tampering);
  });
}

}  // namespace

TEST_CASE("a byte changed anywhere is an error that names the file, or does no harm") {
  const TempDirectory directory;
  const std::string file = data_file(directory.path());
  const std::vector<Recovered> expected = fill(directory.path());
  const std::string sound = read_file(file);
  Random random(1);
  std::vector<std::size_t> offsets;
  for (std::size_t i = 0; i < 152; ++i) {  // The two meta pages, which lead to everything.
    offsets.push_back(i);
    offsets.push_back(4096 + i);
  }
  for (int i = 0; i < 250; ++i)
    offsets.push_back(random.below(sound.size()));

  int refused = 0;
  for (const std::size_t offset : offsets) {
    const auto flip = 1 + static_cast<int>(random.below(255));
    CAPTURE(offset);
    CAPTURE(flip);
    overwrite(file, offset, static_cast<char>(sound[offset] ^ flip));

    const auto opened = open_lmdb_store(options(directory.path()));
    if (const auto* error = std::get_if<StoreError>(&opened)) {
      CHECK_MESSAGE(error->text.starts_with(file), error->text);
      ++refused;
    } else {
      CHECK(is_as_expected(*std::get<std::unique_ptr<Store>>(opened), expected));
    }
    overwrite(file, offset, sound[offset]);
  }
  CHECK(refused > 150);
  CHECK(refused < 500);
}

TEST_CASE("a file cut short is an error, checked by a child or not") {
  const TempDirectory directory;
  fill(directory.path());
  const std::string sound = read_file(data_file(directory.path()));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{8191}, std::size_t{8192},
        sound.size() / 2, sound.size() - 4096, sound.size() - 1}) {
    CAPTURE(size);
    write_file(data_file(directory.path()), sound.substr(0, size));
    for (const bool checked : {true, false}) {
      LmdbOptions how = options(directory.path());
      how.check_in_child = checked;
      const StoreError error = error_of(open_lmdb_store(how));
      CHECK(error.kind == StoreError::Kind::corrupt);
      CHECK(error.text.starts_with(data_file(directory.path())));
    }
  }
}

TEST_CASE("an older copy of the file is an error") {
  const TempDirectory directory;
  fill(directory.path());
  const std::string old = read_file(data_file(directory.path()));
  {
    const std::vector<PeerWrite> writes = {write_of(1, 20, 81, {"newer"})};
    REQUIRE(!open_lmdb(directory.path())->write(writes));
  }
  write_file(data_file(directory.path()), old);

  CHECK(error_on_open(directory.path()).find("was acknowledged") != std::string::npos);

  fs::remove(data_file(directory.path()));
  CHECK(error_on_open(directory.path()).find("is missing or empty") != std::string::npos);
}

TEST_CASE("a damaged entry is named by file, table and index") {
  NumberKey second(2);
  CHECK(error_after_tampering([&](Tampering& t) {
          auto record = t.get("log/peer1", second.val());
          record.back() = 'B';
          t.put("log/peer1", second.val(), record);
        })
        == ", table log/peer1, index 2: checksum mismatch");
}

TEST_CASE("a log that is not the one that was acknowledged is an error") {
  NumberKey second(2);
  NumberKey third(3);
  NumberKey fourth(4);

  CHECK(error_after_tampering([&](Tampering& t) { t.del("log/peer1", third.val()); })
        == ", table log/peer1, index 3: is missing, though it was acknowledged; the log ends at 2");
  CHECK(error_after_tampering([&](Tampering& t) { t.del("log/peer1", second.val()); })
        == ", table log/peer1, index 2: is missing; the next in the table is 3");
  CHECK(error_after_tampering([&](Tampering& t) {
          t.put("log/peer1", third.val(), t.get("log/peer1", second.val()));
        })
        == ", table log/peer1, index 3: holds the entry of index 2");
  // A sound record of this index, from before it was replaced.
  CHECK(error_after_tampering([&](Tampering& t) {
          Tail tail{.last = {{1}, {1}}, .chain = {123}};
          std::vector<std::uint8_t> old(record_size(entry(1, 2, "old")));
          write_record(entry(1, 2, "old"), tail, old);
          t.put("log/peer1", second.val(), old);
        })
        == ", table log/peer1, index 2: does not follow from the entry before it (an old or moved "
           "record)");
  CHECK(error_after_tampering([&](Tampering& t) {
          StoredEntry last;
          const auto record = t.get("log/peer1", third.val());
          REQUIRE(!read_record(record, last));
          Tail tail{.last = last.id, .chain = last.chain};
          std::vector<std::uint8_t> more(record_size(entry(1, 4, "d")));
          write_record(entry(1, 4, "d"), tail, more);
          t.put("log/peer1", fourth.val(), more);
        })
        == ", table log/peer1, index 4: is after the last entry that was acknowledged, 3");
}

TEST_CASE("a peer or a state that is missing or not its own is an error") {
  NumberKey one(1);
  CHECK(error_after_tampering([&](Tampering& t) { t.del("state", one.val()); })
        == ", table state: a peer has no state");
  CHECK(
      error_after_tampering([&](Tampering& t) { t.put("state", one.val(), write_state({2}, {})); })
      == ", table state: is of peer 2");
  CHECK(error_after_tampering([&](Tampering& t) { t.drop("log/peer1"); })
        == ": holds 4 tables for 1 peers");
  const std::string name = "peer1";
  CHECK(error_after_tampering([&](Tampering& t) { t.del("peers", to_val(name)); })
        == ", table peers: not the peers that were written");
}

TEST_CASE("a beginning, a hole or a snapshot that is not the one that was written is an error") {
  const auto error_of_holes = [](auto change) {
    const TempDirectory directory;
    {
      const auto store = open_lmdb(directory.path());
      REQUIRE(!store->put_peer(peer_record(1)));
      REQUIRE(!store->write(std::vector{write_of(1, 1, 1, {"a", "b", "c", "d", "e", "f"})}));
      PeerWrite write = write_of(1, 1, 1, {});
      write.write.snapshot = snapshot_of({{1}, {3}}, 77);
      write.write.cut_before = Index{3};
      write.write.released = {{4}, {5}};
      REQUIRE(!store->write(std::vector{write}));
    }
    {
      Tampering tampering(directory.path());
      change(tampering);
    }
    return error_on_open(directory.path()).substr(data_file(directory.path()).size());
  };
  NumberKey one(1);
  NumberKey third(3);
  NumberKey fourth(4);

  CHECK(error_of_holes([&](Tampering& t) { t.del("snapshots", one.val()); })
        == ", table snapshots: the snapshot of peer1 is missing");
  CHECK(error_of_holes([&](Tampering& t) {
          t.put("snapshots", one.val(), write_snapshot(snapshot_of({{1}, {3}}, 78)));
        })
        == ", table snapshots: not the snapshot that was written of peer1");
  CHECK(error_of_holes([&](Tampering& t) {
          PeerState state;
          REQUIRE(!read_state(t.get("state", one.val()), {1}, state));
          const auto older = write_snapshot(snapshot_of({{1}, {1}}, 77));
          state.snapshot_hash = hash_snapshot(older);
          t.put("snapshots", one.val(), older);
          t.put("state", one.val(), write_state({1}, state));
        })
        == ", table log/peer1: begins behind 2, without a snapshot of what was before");
  CHECK(error_of_holes([&](Tampering& t) { t.del("log/peer1", third.val()); })
        == ", table log/peer1, index 3: is missing; the next in the table is 4");
  CHECK(error_of_holes([&](Tampering& t) { t.del("log/peer1", fourth.val()); })
        == ", table log/peer1, index 4: is missing; the next in the table is 6");
  CHECK(error_of_holes([&](Tampering& t) {
          PeerState state;
          REQUIRE(!read_state(t.get("state", one.val()), {1}, state));
          state.holes = 3;
          t.put("state", one.val(), write_state({1}, state));
        })
        == ", table log/peer1, index 6: the log up to here has 2 holes, 3 were made");
}

TEST_CASE("an old page, where an entry that was released is still there, is an error") {
  const TempDirectory directory;
  const auto release = [&](std::uint64_t index) {
    PeerWrite write = write_of(1, 1, 1, {});
    write.write.released = {{index}};
    REQUIRE(!open_lmdb(directory.path())->write(std::vector{write}));
  };
  {
    const auto store = open_lmdb(directory.path());
    REQUIRE(!store->put_peer(peer_record(1)));
    REQUIRE(!store->write(std::vector{write_of(1, 1, 1, {"a", "b", "c", "d"})}));
  }
  release(2);
  NumberKey second(2);
  NumberKey third(3);
  std::vector<std::vector<std::uint8_t>> old;
  {
    Tampering tampering(directory.path());
    old = {tampering.get("log/peer1", second.val()), tampering.get("log/peer1", third.val())};
  }
  release(3);
  {
    Tampering tampering(directory.path());
    tampering.put("log/peer1", second.val(), old[0]);
    tampering.put("log/peer1", third.val(), old[1]);
  }

  CHECK(error_on_open(directory.path())
            .ends_with(", index 4: the log up to here has 1 holes, 2 were made"));
}

TEST_CASE("a page that is free and in use is an error, before anybody writes") {
  // No read shows it: the next write takes the page that another needs, or LMDB aborts.
  const TempDirectory directory;
  fill(directory.path());
  const std::string file = data_file(directory.path());
  std::string list;
  {
    const auto opened =
        open_environment(directory.path(), {.access = Access::read_locked, .tables_max = 64});
    Transaction transaction;
    REQUIRE(begin_read(std::get<Environment>(opened).get(), transaction) == 0);
    Cursor cursor;
    REQUIRE(open_cursor(transaction.get(), 0, cursor) == 0);  // LMDB's table of free pages.
    MDB_val key{};
    MDB_val value{};
    REQUIRE(mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST) == 0);
    list = to_text(value);
  }
  // How many, then each, descending. The last gives way to the next smaller page, which is in use.
  // The same in copies on older pages, of which nobody knows.
  std::size_t count = 0;
  std::memcpy(&count, list.data(), sizeof(count));
  REQUIRE(count > 0);
  list.resize((count + 1) * sizeof(count));
  const std::string sound = read_file(file);
  for (std::size_t at = sound.find(list); at != std::string::npos; at = sound.find(list, at + 1)) {
    const std::size_t last = at + count * sizeof(count);
    overwrite(file, last, static_cast<char>(sound[last] - 1));
  }

  CHECK(error_on_open(directory.path()).ends_with(": is used twice, or free and in use"));
}

TEST_CASE("a damaged number of what was acknowledged is an error that names its file") {
  for (const char* name : {"/ACKNOWLEDGED", "/WITNESS"}) {
    const TempDirectory directory;
    fill(directory.path());
    write_file(directory.path() + name, std::string(24, 'x'));

    CHECK(error_on_open(directory.path()) == directory.path() + name + ": checksum mismatch");
  }
}

TEST_CASE("the files of version 0.1 are known by their names, and renamed") {
  const TempDirectory directory;
  fill(directory.path());
  const std::string old = read_file(data_file(directory.path()));
  const std::vector<PeerWrite> writes = {write_of(1, 20, 81, {"newer"})};
  REQUIRE(!open_lmdb(directory.path())->write(writes));
  const std::string named = directory.path() + "/ACKNOWLEDGED";
  const std::string formerly = directory.path() + "/WITNESS";
  fs::rename(named, formerly);
  const std::string newest = read_file(data_file(directory.path()));

  // An older copy of the store is found out by it.
  write_file(data_file(directory.path()), old);
  CHECK(error_on_open(directory.path()).find("was acknowledged") != std::string::npos);
  write_file(data_file(directory.path()), newest);
  REQUIRE(open_lmdb(directory.path()) != nullptr);
  CHECK(fs::exists(named));
  CHECK(!fs::exists(formerly));

  // An older program that ran in between wrote the larger number under the old name.
  const std::string smaller = read_file(named);
  REQUIRE(!open_lmdb(directory.path())->write(std::vector{write_of(1, 20, 82, {"newest"})}));
  fs::rename(named, formerly);
  write_file(named, smaller);
  write_file(data_file(directory.path()), newest);
  CHECK(error_on_open(directory.path()).find("was acknowledged") != std::string::npos);
}
