#include "storage/directory.hpp"

#include "storage/snapshots/file_snapshots.hpp"
#include "test/child.hpp"
#include "test/storage/samples.hpp"
#include "test/storage/tamper.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

namespace fs = std::filesystem;

constexpr uid_t other_user = 65534;

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

/// What stands in the way of a store in `directory`; empty if nothing does.
std::string refusal(const std::string& directory) {
  const auto opened = open_lmdb_store(with_journal(directory));
  const auto* error = std::get_if<StoreError>(&opened);
  return error == nullptr ? std::string() : error->text;
}

void fill(const std::string& directory) {
  const auto store = open_lmdb(with_journal(directory));
  REQUIRE(!store->put_peer(peer_record(1)));
  REQUIRE(!store->write(std::vector{write_of(1, 1, 1, {"a", "b"})}));
}

/// Open files below `directory` with a number of standard input, output or error; 100 if one of
/// these is open at all.
int low_numbers_in(const std::string& directory) {
  int count = 0;
  for (int fd = 0; fd < standard_descriptors; ++fd) {
    std::error_code closed;
    const fs::path file = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), closed);
    if (!closed)
      count += file.string().starts_with(directory) ? 1 : 100;
  }
  return count;
}

}  // namespace

TEST_CASE("the directories of a store are for its owner alone") {
  const TempDirectory directory;
  const std::string deep = directory.path() + "/a/b";
  const mode_t before = ::umask(0);

  fill(deep);
  auto snapshots = open_snapshots(deep);
  auto& shelf = std::get<std::unique_ptr<Snapshots>>(snapshots);
  const auto begun = shelf->begin({1}, {});
  ::umask(before);

  CHECK(!begun);
  for (const char* made : {"/a", "/a/b", "/a/b/snapshots"})
    CHECK(mode_of(directory.path() + made) == 0700);
  for (const auto& each : fs::directory_iterator(deep))
    if (each.is_regular_file())
      CHECK(mode_of(each.path()) == 0600);
  for (const auto& each : fs::directory_iterator(deep + "/snapshots"))
    CHECK(mode_of(each.path()) == 0700);
}

TEST_CASE("a store is refused where others can write") {
  const TempDirectory directory;
  fill(directory.path());
  const std::string text =
      "data: others can write to " + directory.path() + "; chmod go-w, or choose another";

  for (const mode_t mode : {0777U, 0770U, 0702U, 01777U}) {
    CAPTURE(mode);
    REQUIRE(::chmod(directory.path().c_str(), mode) == 0);
    CHECK(refusal(directory.path()) == text);
  }
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
  CHECK(refusal(directory.path()).empty());
}

TEST_CASE("a store is refused in the directory of another user") {
  if (::geteuid() != 0)
    return;  // None can be given away.
  const TempDirectory directory;
  fill(directory.path());
  REQUIRE(::chown(directory.path().c_str(), other_user, other_user) == 0);

  CHECK(refusal(directory.path())
        == "data: " + directory.path()
               + " belongs to user 65534, who can write to it; choose another");
}

TEST_CASE("snapshots are refused where others can write") {
  const TempDirectory directory;
  const std::string shelf = directory.path() + "/snapshots";
  REQUIRE(fs::create_directory(shelf));
  REQUIRE(::chmod(shelf.c_str(), 0777) == 0);

  const auto opened = open_snapshots(directory.path());

  const auto* error = std::get_if<StoreError>(&opened);
  REQUIRE(error != nullptr);
  CHECK(error->text == "data: others can write to " + shelf + "; chmod go-w, or choose another");
}

TEST_CASE("a link in the place of a file is an error, and what it leads to stays as it is") {
  for (const char* name : {"LOCK", "ACKNOWLEDGED", "ACKNOWLEDGED.journal", "journal", "journal.new",
                           "lock.mdb", "data.mdb"}) {
    CAPTURE(name);
    const TempDirectory directory;
    const TempDirectory elsewhere;
    fill(elsewhere.path());  // As sound as a victim can be.
    const std::string victim = elsewhere.path() + "/" + name;
    if (!fs::exists(victim))
      write_file(victim, "precious");
    const std::string before = read_file(victim);
    fs::create_symlink(victim, directory.path() + "/" + name);

    const std::string text = refusal(directory.path());

    CHECK(text.find("symbolic link, which a store does not follow") != std::string::npos);
    CHECK(text.starts_with(directory.path() + "/" + name));
    CHECK(read_file(victim) == before);
  }
}

TEST_CASE("a snapshot is not written through a link") {
  const TempDirectory directory;
  const std::string victim = directory.path() + "/victim";
  write_file(victim, "precious");
  auto opened = open_snapshots(directory.path());
  auto& snapshots = std::get<std::unique_ptr<Snapshots>>(opened);
  REQUIRE(!snapshots->begin({1}, {}));
  const fs::path shelf = fs::directory_iterator(directory.path() + "/snapshots")->path();
  snapshots->abandon({1});
  fs::create_symlink(victim, shelf / "written");

  const auto problem = snapshots->begin({1}, {});

  REQUIRE(problem);
  CHECK(problem->text.find("symbolic link") != std::string::npos);
  CHECK(read_file(victim) == "precious");
}

TEST_CASE("no file of a store gets the number of standard input, output or error") {
  const TempDirectory directory;
  const std::string path = directory.path();

  const int low = run_in_child([&] {
    for (int fd = 0; fd < standard_descriptors; ++fd)
      ::close(fd);
    const auto opened = open_lmdb_store(with_journal(path));
    return std::holds_alternative<StoreError>(opened) ? 200 : low_numbers_in(path);
  });

  CHECK(low == 0);
}

TEST_CASE("closed standard descriptors are opened on /dev/null, and open ones left alone") {
  for (int closed = 0; closed < 8; ++closed) {
    CAPTURE(closed);
    const int code = run_in_child([closed] {
      const int kept = ::open("/", O_RDONLY);
      for (int fd = 0; fd < standard_descriptors; ++fd)
        (closed >> fd & 1) != 0 ? ::close(fd) : ::dup2(kept, fd);
      open_standard_descriptors();
      int wrong = 0;
      for (int fd = 0; fd < standard_descriptors; ++fd) {
        std::error_code failure;
        const fs::path leads_to = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), failure);
        wrong += leads_to != ((closed >> fd & 1) != 0 ? "/dev/null" : "/") ? 1 : 0;
      }
      return wrong;
    });
    CHECK(code == 0);
  }
}
