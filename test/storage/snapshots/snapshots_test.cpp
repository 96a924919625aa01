#include "storage/snapshots/file_snapshots.hpp"
#include "storage/snapshots/memory_snapshots.hpp"
#include "test/child.hpp"
#include "test/storage/snapshots_conformance.hpp"
#include "test/storage/tamper.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

namespace fs = std::filesystem;

std::unique_ptr<Snapshots> open_files(const TempDirectory& directory) {
  return value_of(open_snapshots(directory.path()));
}

/// All files, by the end of their names.
std::vector<std::string> files_in(const TempDirectory& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory.path())) {
    if (entry.is_regular_file())
      names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string only_file(const TempDirectory& directory) {
  std::string found;
  for (const auto& entry : fs::recursive_directory_iterator(directory.path())) {
    if (entry.is_regular_file()) {
      REQUIRE(found.empty());
      found = entry.path().string();
    }
  }
  return found;
}

}  // namespace

TEST_CASE("snapshots in memory do what any must do") {
  MemoryShelf memory;
  check_conformance(Shelf{
      .open = [&] { return open_memory_snapshots(memory); },
      .flip = [&](PeerId peer, const SnapshotHead& head,
                  std::uint64_t offset) { memory.find(peer, head)->at(offset) ^= 1; },
  });
}

TEST_CASE("snapshots in files do what any must do") {
  const TempDirectory directory;
  check_conformance(Shelf{
      .open = [&] { return open_files(directory); },
      .flip =
          [&](PeerId, const SnapshotHead&, std::uint64_t offset) {
            const std::string file = only_file(directory);
            overwrite(file, offset, static_cast<char>(read_file(file)[offset] ^ 1));
          },
  });
}

TEST_CASE("faults of a shelf in memory come to order") {
  MemoryShelf shelf;
  const auto snapshots = open_memory_snapshots(shelf);
  REQUIRE(!snapshots->begin({1}, title_of(1)));

  SUBCASE("no space passes, and nothing is lost") {
    shelf.fail_next_write = StoreError{StoreError::Kind::no_space, "full"};
    CHECK(snapshots->append({1}, Bytes::copy_of("a")));
    CHECK(!snapshots->append({1}, Bytes::copy_of("a")));
    shelf.fail_next_write = StoreError{StoreError::Kind::no_space, "full"};
    CHECK(error_of(snapshots->finish({1})).kind == StoreError::Kind::no_space);
    const SnapshotHead head = value_of(snapshots->finish({1}));
    CHECK(value_of(read_pieces(*snapshots, {1}, head)) == std::vector<std::string>{"a"});
  }

  SUBCASE("any other throws away what was being written") {
    shelf.fail_next_write = StoreError{StoreError::Kind::io, "broken"};
    CHECK(snapshots->append({1}, Bytes::copy_of("a")));
    const SnapshotHead head = write_snapshot(*snapshots, {1}, 1, {"b"});
    CHECK(value_of(read_pieces(*snapshots, {1}, head)) == std::vector<std::string>{"b"});
  }
}

TEST_CASE("a snapshot that is cut short anywhere is an error that names the file and the place") {
  const TempDirectory directory;
  const auto snapshots = open_files(directory);
  const SnapshotHead head = write_snapshot(*snapshots, {1}, 1, {noise(300, 1), noise(50, 2)});
  const std::string file = only_file(directory);
  const std::string sound = read_file(file);
  for (std::size_t size = 0; size < sound.size(); ++size) {
    CAPTURE(size);
    write_file(file, sound.substr(0, size));
    const auto problem = snapshots->check({1}, head);
    REQUIRE(problem);
    CHECK_MESSAGE(problem->text.starts_with(file + ", "), problem->text);
    CHECK_MESSAGE(problem->text.find("cut short") != std::string::npos, problem->text);
    CHECK(error_of(snapshots->title({1}, head)).kind == StoreError::Kind::corrupt);
    CHECK(error_of(read_pieces(*snapshots, {1}, head)).text.starts_with(file));
  }
  write_file(file, sound + "x");
  CHECK(snapshots->check({1}, head)->text.ends_with("is behind the end"));
}

TEST_CASE("a sound snapshot that is not the one of its name is an error") {
  const TempDirectory directory;
  const auto snapshots = open_files(directory);
  const SnapshotHead head = write_snapshot(*snapshots, {1}, 9, {"ours", "more"});
  const std::string file = only_file(directory);
  const auto replaced_by = [&](std::uint64_t index, const std::vector<std::string>& pieces) {
    const TempDirectory elsewhere;
    write_snapshot(*open_files(elsewhere), {1}, index, pieces);
    fs::copy_file(only_file(elsewhere), file, fs::copy_options::overwrite_existing);
    CHECK(snapshots->check({1}, head)->text.ends_with("is of another snapshot"));
    CHECK(error_of(snapshots->title({1}, head)).kind == StoreError::Kind::corrupt);
    CHECK(error_of(read_pieces(*snapshots, {1}, head)).text.starts_with(file));
  };
  replaced_by(8, {"ours", "more"});  // A stale one.
  replaced_by(9, {"ours", "less"});  // Another of the same place, and as long.
  replaced_by(9, {"ours", "longer"});
}

TEST_CASE("a piece of another snapshot in the place of ours is an error where it stands") {
  const TempDirectory directory;
  const TempDirectory elsewhere;
  const auto snapshots = open_files(directory);
  const SnapshotHead head = write_snapshot(*snapshots, {1}, 9, {"a", "b", "c"});
  const SnapshotHead other = write_snapshot(*open_files(elsewhere), {1}, 9, {"x", "b", "c"});
  REQUIRE(other.size_bytes == head.size_bytes);
  std::string bytes = read_file(only_file(directory));
  const SnapshotPiece first = value_of(snapshots->piece({1}, head, 0));
  const std::size_t at = static_cast<std::size_t>(first.next);
  bytes.replace(at, 41, read_file(only_file(elsewhere)).substr(at, 41));
  write_file(only_file(directory), bytes);

  const std::string expected = ", piece 2, offset " + std::to_string(at)
                               + ": does not follow from what is before it (of another snapshot)";
  CHECK(snapshots->check({1}, head)->text.ends_with(expected));
  CHECK(error_of(read_pieces(*snapshots, {1}, head)).text.ends_with(expected));
}

TEST_CASE("a received snapshot that was damaged on disk while the process was down is sent again") {
  const TempDirectory directory;
  MemoryShelf sender;
  const auto from = open_memory_snapshots(sender);
  const SnapshotHead head =
      write_snapshot(*from, {1}, 5, {noise(1000, 1), noise(1000, 2), noise(1000, 3)});
  const std::string bytes = all_bytes(*from, {1}, head);
  value_of(receive_all(*open_files(directory), {2}, head, bytes.substr(0, 2800), 0, 100));
  const std::string file = only_file(directory);
  overwrite(file, 1500, static_cast<char>(read_file(file)[1500] ^ 1));

  const auto snapshots = open_files(directory);
  const std::uint64_t upto = snapshots->received({2}, head);

  CHECK(upto > 1000);
  CHECK(upto < 1500);
  CHECK(value_of(receive_all(*snapshots, {2}, head, bytes, upto, 100)) == head.size_bytes);
  CHECK(!snapshots->check({2}, head));
}

TEST_CASE("a received snapshot that was whole but for its name is finished when it is asked for") {
  const TempDirectory directory;
  const auto snapshots = open_files(directory);
  const SnapshotHead head = write_snapshot(*snapshots, {1}, 5, {"a"});
  const fs::path file = only_file(directory);
  const std::string name = file.stem().string() + "-" + std::to_string(head.size_bytes);
  fs::rename(file, file.parent_path() / (name + ".received"));

  CHECK(snapshots->received({1}, head) == head.size_bytes);

  CHECK(!snapshots->check({1}, head));
  CHECK(files_in(directory) == std::vector<std::string>{file.filename().string()});
}

TEST_CASE("what was received in part is removed with the older snapshots, unless it is later") {
  const TempDirectory directory;
  MemoryShelf sender;
  const auto from = open_memory_snapshots(sender);
  const SnapshotHead part = write_snapshot(*from, {1}, 5, {noise(1000, 1)});
  const std::string bytes = all_bytes(*from, {1}, part);
  value_of(receive_all(*open_files(directory), {1}, part, bytes.substr(0, 500), 0, 500));
  const auto snapshots = open_files(directory);

  snapshots->keep_only({1}, write_snapshot(*snapshots, {1}, 4, {"a"}));
  CHECK(files_in(directory).size() == 2);
  snapshots->keep_only({1}, write_snapshot(*snapshots, {1}, 5, {"a"}));
  CHECK(files_in(directory).size() == 1);
}

TEST_CASE("a full disk refuses a piece, and takes it when there is room") {
  const TempDirectory directory;
  const int code = run_in_child([&] {
    // A limit on the size of files is the disk that fills up while we write.
    ::signal(SIGXFSZ, SIG_IGN);
    auto opened = open_snapshots(directory.path());
    Snapshots& snapshots = *std::get<std::unique_ptr<Snapshots>>(opened);
    const rlimit small{10000, RLIM_INFINITY};
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    const Bytes piece = Bytes::copy_of(noise(8000, 1));
    if (snapshots.begin({1}, title_of(1)) || snapshots.append({1}, piece))
      return 1;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto refused = snapshots.append({1}, piece);
    if (!refused || refused->kind != StoreError::Kind::no_space)
      return 2;
    ::setrlimit(RLIMIT_FSIZE, &large);
    if (snapshots.append({1}, piece))
      return 3;
    const auto finished = snapshots.finish({1});
    const auto* head = std::get_if<SnapshotHead>(&finished);
    return head == nullptr || snapshots.check({1}, *head) ? 4 : 0;
  });
  CHECK(code == 0);
}
