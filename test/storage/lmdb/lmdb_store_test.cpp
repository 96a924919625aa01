#include "storage/directory.hpp"
#include "storage/record.hpp"
#include "test/child.hpp"
#include "test/storage/samples.hpp"
#include "test/storage/tamper.hpp"
#include "wire/crc32c.hpp"

#include <doctest/doctest.h>
#include <flatbuffers/flatbuffers.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

namespace fs = std::filesystem;

}  // namespace

TEST_CASE("a store is created with all the directories above it") {
  const TempDirectory directory;
  const std::string deep = directory.path() + "/a/b/";

  open_lmdb(deep);

  CHECK(fs::exists(deep + "data.mdb"));
  CHECK(fs::exists(deep + "LOCK"));
}

TEST_CASE("what was left by a power cut while a store was created is in nobody's way") {
  const TempDirectory directory;
  fs::create_directory(directory.path() + "/newborn");
  std::ofstream(directory.path() + "/newborn/data.mdb") << "a part of the first pages";
  std::ofstream(directory.path() + "/data.mdb").flush();
  {
    const auto store = open_lmdb(directory.path());
    REQUIRE(!store->put_peer(peer_record(1)));
  }
  CHECK_FALSE(fs::exists(directory.path() + "/newborn"));
  CHECK(value_of(open_lmdb(directory.path())->peers()).size() == 1);
}

TEST_CASE("a directory that cannot be created is an error that names it") {
  const TempDirectory directory;
  write_file(directory.path() + "/file", "in the way");

  const StoreError error = error_of(open_lmdb_store(options(directory.path() + "/file/store")));

  CHECK(error.kind == StoreError::Kind::io);
  CHECK(error.text.find("/file/store") != std::string::npos);
}

TEST_CASE("a directory has one user at a time, and is free when that one is gone") {
  const TempDirectory directory;
  auto store = open_lmdb(directory.path());

  const StoreError error = error_of(open_lmdb_store(options(directory.path())));

  CHECK(error.kind == StoreError::Kind::locked);
  CHECK(error.text == directory.path() + " is in use by process " + std::to_string(::getpid()));
  store.reset();
  open_lmdb(directory.path());
}

TEST_CASE("another process that has the directory is named") {
  const TempDirectory directory;
  int ready[2] = {};
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto store = open_lmdb_store(options(directory.path()));
    [[maybe_unused]] const ssize_t written = ::write(ready[1], "x", 1);
    for (;;)
      ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);

  const StoreError error = error_of(open_lmdb_store(options(directory.path())));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);

  CHECK(error.text == directory.path() + " is in use by process " + std::to_string(child));
  open_lmdb(directory.path());  // The kernel let go of the lock.
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a format that we do not know is refused, naming both") {
  const TempDirectory directory;
  open_lmdb(directory.path());
  {
    Tampering tampering(directory.path());
    auto meta = write_meta({});
    flatbuffers::WriteScalar<std::uint32_t>(meta.data() + 4, 2);
    flatbuffers::WriteScalar(meta.data(), wire::crc32c(Value(meta).subspan(4)));
    tampering.put("meta", to_val(tables::store_key), meta);
  }

  const StoreError error = error_of(open_lmdb_store(options(directory.path())));

  CHECK(error.kind == StoreError::Kind::version);
  CHECK(error.text
        == data_file(directory.path())
               + ", table meta: written in format 2, this program knows format 1");
}

TEST_CASE("the map grows while it is written to, and nobody sees it full") {
  const TempDirectory directory;
  LmdbOptions how = options(directory.path());
  how.head_room_bytes = std::uint64_t{64} << 10;
  auto store = open_lmdb(how);
  REQUIRE(!store->put_peer(peer_record(1)));

  std::vector<Entry> expected;
  for (std::uint64_t i = 0; i < 20; ++i) {
    PeerWrite write =
        write_of(1, 1, 1 + i * 5, std::vector<std::string>(5, std::string(40000, 'x')));
    expected.insert(expected.end(), write.write.entries.begin(), write.write.entries.end());
    REQUIRE(!store->write(std::vector{write}));
  }

  CHECK(value_of(store->recover({1})).entries == expected);
  store = nullptr;
  store = open_lmdb(how);
  CHECK(value_of(store->recover({1})).entries == expected);
  CHECK(store->stats().file_bytes >= 4000000);
  CHECK(store->stats().used_bytes <= store->stats().file_bytes);
}

TEST_CASE("one batch that is larger than the map is written whole") {
  const TempDirectory directory;
  auto store = open_lmdb(directory.path());
  REQUIRE(!store->put_peer(peer_record(1)));
  const std::vector<PeerWrite> writes = {
      write_of(1, 1, 1, std::vector<std::string>(1000, std::string(10000, 'x')))};

  REQUIRE(!store->write(writes));

  CHECK(store->stats().commits == 3);  // The tables, the peer, and this.
  CHECK(value_of(store->recover({1})).entries == writes[0].write.entries);
}

TEST_CASE("a suffix that is written and truncated in one batch leaves a store that opens") {
  // Its pages are free without ever having been in the file.
  const TempDirectory directory;
  {
    const auto store = open_lmdb(directory.path());
    REQUIRE(!store->put_peer(peer_record(1)));
    REQUIRE(!store->write(
        std::vector{write_of(1, 1, 1, std::vector<std::string>(20, std::string(100000, 'x'))),
                    truncating(write_of(1, 2, 2, {"short"}), 2)}));
  }
  for (const bool checked : {true, false}) {
    LmdbOptions how = options(directory.path());
    how.check_in_child = checked;
    CHECK(value_of(open_lmdb(how)->recover({1})).entries.size() == 2);
  }
}

TEST_CASE("pages of a truncated suffix are used again") {
  const TempDirectory directory;
  const auto store = open_lmdb(directory.path());
  REQUIRE(!store->put_peer(peer_record(1)));
  for (std::uint64_t term = 1; term <= 20; ++term)
    REQUIRE(!store->write(std::vector{truncating(
        write_of(1, term, 1, std::vector<std::string>(10, std::string(50000, 'x'))), 1)}));

  CHECK(store->stats().file_bytes < 3000000);
  CHECK(store->stats().used_bytes < store->stats().file_bytes);
}

TEST_CASE("more peers than there is room for are refused, and the store goes on") {
  const TempDirectory directory;
  LmdbOptions how = options(directory.path());
  how.peers_max = 2;
  const auto store = open_lmdb(how);
  REQUIRE(!store->put_peer(peer_record(1)));
  REQUIRE(!store->put_peer(peer_record(2)));

  const auto error = store->put_peer(peer_record(3));

  REQUIRE(error);
  CHECK(error->kind == StoreError::Kind::no_space);
  CHECK(value_of(store->peers()).size() == 2);
  CHECK(!store->write(std::vector{write_of(2, 1, 1, {"a"})}));
}

TEST_CASE("a peer that is deleted makes room for another, and gives its pages back") {
  const TempDirectory directory;
  LmdbOptions how = options(directory.path());
  how.peers_max = 2;
  const auto store = open_lmdb(how);
  REQUIRE(!store->put_peer(peer_record(1)));
  std::uint64_t used = 0;
  for (std::uint64_t id = 2; id < 40; ++id) {
    CAPTURE(id);
    REQUIRE(!store->put_peer(peer_record(id)));
    REQUIRE(store->put_peer(peer_record(id + 1)));
    REQUIRE(!store->write(std::vector{write_of(id, 1, 1, {std::string(100000, 'x')})}));
    if (id == 2)
      used = store->stats().used_bytes;
    CHECK(store->stats().used_bytes <= used + 65536);
    REQUIRE(!store->delete_peer({id}));
  }
  CHECK(store->stats().used_bytes + 90000 < used);
  CHECK(value_of(store->peers()).size() == 1);
}

TEST_CASE("after a write that failed, everything that was acknowledged is there") {
  const TempDirectory directory;
  open_lmdb(directory.path());
  // A limit on the size of files is the disk that fills up while we write.
  const int acknowledged = run_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    auto opened = open_lmdb_store(options(directory.path()));
    if (!std::holds_alternative<std::unique_ptr<Store>>(opened))
      return 200;
    Store& store = *std::get<std::unique_ptr<Store>>(opened);
    const rlimit limit{300000, 300000};
    if (store.put_peer(peer_record(1)) || ::setrlimit(RLIMIT_FSIZE, &limit) != 0)
      return 201;
    for (std::uint64_t i = 1; i < 100; ++i) {
      if (store.write(std::vector{write_of(1, 1, i, {std::string(20000, 'x')})}))
        return static_cast<int>(i - 1);
    }
    return 202;
  });

  REQUIRE(acknowledged > 5);
  REQUIRE(acknowledged < 100);
  const auto store = open_lmdb(directory.path());
  CHECK(value_of(store->recover({1})).entries.size() == static_cast<std::size_t>(acknowledged));
  CHECK(!store->write(std::vector{
      write_of(1, 1, static_cast<std::uint64_t>(acknowledged) + 1, {std::string(20000, 'y')})}));
}
