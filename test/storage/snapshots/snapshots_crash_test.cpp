#include "core/random.hpp"
#include "storage/snapshots/file_snapshots.hpp"
#include "storage/snapshots/memory_snapshots.hpp"
#include "test/storage/snapshot_samples.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

namespace fs = std::filesystem;

constexpr PeerId writer{1};
constexpr PeerId receiver{2};

/// The snapshots of a history: what the one of `index` holds is told by that number.
std::vector<std::string> pieces_of(std::uint64_t index) {
  std::vector<std::string> pieces;
  for (std::uint64_t i = 0; i < 1 + index % 5; ++i)
    pieces.push_back(noise(200 + index * 9700 % 100000, index * 8 + i));
  return pieces;
}

/// Tells a number to whoever may kill us.
void tell(int pipe, std::uint64_t number) {
  if (::write(pipe, &number, sizeof(number)) != sizeof(number))
    ::_exit(1);
}

/// Writes one after the other from `index` on, receives each, and tells each that is durable.
[[noreturn]] void work_until_killed(const std::string& directory, std::uint64_t index, int pipe) {
  auto opened = open_snapshots(directory);
  if (!std::holds_alternative<std::unique_ptr<Snapshots>>(opened))
    ::_exit(1);
  Snapshots& snapshots = *std::get<std::unique_ptr<Snapshots>>(opened);
  for (;; ++index) {
    if (snapshots.begin(writer, title_of(index)))
      ::_exit(1);
    for (const std::string& piece : pieces_of(index)) {
      if (snapshots.append(writer, Bytes::copy_of(piece)))
        ::_exit(1);
    }
    const auto finished = snapshots.finish(writer);
    if (!std::holds_alternative<SnapshotHead>(finished))
      ::_exit(1);
    const SnapshotHead head = std::get<SnapshotHead>(finished);
    snapshots.keep_only(writer, head);
    std::uint64_t upto = snapshots.received(receiver, head);
    while (upto < head.size_bytes) {
      const auto bytes = snapshots.bytes(writer, head, upto, 100);
      const auto received = snapshots.receive(receiver, head, upto, std::get<Bytes>(bytes));
      upto = std::get<std::uint64_t>(received);
    }
    snapshots.keep_only(receiver, head);
    tell(pipe, index);
  }
}

/// Kills a worker that starts at `index` after some of its acknowledgements and a moment more.
/// Returns the last that it told of, or `index - 1`.
std::uint64_t run_and_kill(const std::string& directory, std::uint64_t index, Random& random) {
  int pipe[2] = {};
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    work_until_killed(directory, index, pipe[1]);
  ::close(pipe[1]);
  std::uint64_t last = index - 1;
  for (std::uint64_t i = random.below(4); i > 0; --i)
    REQUIRE(::read(pipe[0], &last, sizeof(last)) == sizeof(last));
  pollfd waiting{pipe[0], POLLIN, 0};
  ::poll(&waiting, 1, static_cast<int>(random.below(80)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  std::uint64_t told = 0;
  while (::read(pipe[0], &told, sizeof(told)) == sizeof(told))
    last = told;
  ::close(pipe[0]);
  return last;
}

/// The head of the snapshot of `index`, as any peer would come to it.
SnapshotHead head_of(std::uint64_t index) {
  MemoryShelf shelf;
  return write_snapshot(*open_memory_snapshots(shelf), writer, index, pieces_of(index));
}

}  // namespace

TEST_CASE("whoever is killed while writing or receiving has all it finished, and no leftovers") {
  const TempDirectory directory;
  Random random(1);
  std::uint64_t acknowledged = 0;
  int resumed = 0;
  for (int cycle = 0; cycle < 30; ++cycle) {
    CAPTURE(cycle);
    acknowledged = run_and_kill(directory.path(), acknowledged + 1, random);

    const auto snapshots = value_of(open_snapshots(directory.path()));
    const SnapshotHead unsure = head_of(acknowledged + 1);
    bool found = acknowledged == 0;
    for (const PeerId peer : {writer, receiver}) {
      for (const std::uint64_t index : {acknowledged, acknowledged + 1}) {
        const SnapshotHead head = head_of(index);
        const std::uint64_t upto = snapshots->received(peer, head);
        if (upto == head.size_bytes) {
          CHECK(value_of(read_pieces(*snapshots, peer, head)) == pieces_of(index));
          found = true;
        } else if (upto > 0) {
          CHECK(peer == receiver);
          ++resumed;
        }
      }
      CHECK(found);
    }
    for (const auto& file : fs::recursive_directory_iterator(directory.path())) {
      if (file.is_regular_file())
        CHECK_MESSAGE(file.path().filename() != "written", file.path());
    }
  }
  CHECK(acknowledged > 10);
  MESSAGE("snapshots: " << acknowledged << ", partly received ones to go on with: " << resumed);
}
