#include "test/child.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>
#include <sched.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

constexpr int no_mount = 77;

/// Lives through a full disk in a process of its own, whose exit code is the step that went wrong.
class Survivor {
public:
  explicit Survivor(const std::string& directory) : directory_(directory) {}

  void open() {
    store_.reset();
    LmdbOptions how = options(directory_);
    how.head_room_bytes = std::uint64_t{256} << 10;
    auto opened = open_lmdb_store(how);
    expect(std::holds_alternative<std::unique_ptr<Store>>(opened), 1);
    store_ = std::move(std::get<std::unique_ptr<Store>>(opened));
  }
  void put_peer() { expect(!store_->put_peer(peer_record(1)), 2); }

  /// Appends until there is no space. All that was acknowledged is there then, and goes on to be.
  void fill() {
    for (int i = 0; append(); ++i)
      expect(i < 100000, 3);
    expect(!append(), 4);
    check();
  }
  bool append() {
    PeerWrite write = write_of(1, log_.hard_state.term.value + 1, last_of(log_).index.value + 1,
                               {std::string(9000, 'x'), std::string(100, 'y')});
    return perform(std::move(write));
  }
  /// Votes, releases and cuts: all that makes nothing larger.
  void shrink() {
    for (int i = 0; i < 5; ++i)
      expect(perform(bare()), 5);
    PeerWrite snapshot = bare();
    snapshot.write.snapshot = snapshot_of(last_of(log_), 1);
    expect(perform(std::move(snapshot)), 6);
    PeerWrite release = bare();
    for (std::size_t at = 0; at < log_.entries.size(); at += 3)
      release.write.released.push_back(log_.entries[at].id.index);
    expect(perform(std::move(release)), 7);
    while (log_.entries.size() > 10) {
      PeerWrite cut = bare();
      cut.write.cut_before = Index{log_.before.index.value + 10};
      expect(perform(std::move(cut)), 8);
    }
  }
  bool is_full() { return store_->stats().full; }
  bool make_room() { return store_->make_room(); }
  void expect(bool good, int step) {
    if (!good)
      ::_exit(step);
  }
  void check() {
    const auto recovered = store_->recover({1});
    expect(std::holds_alternative<Recovered>(recovered), 9);
    expect(is_same(std::get<Recovered>(recovered), log_), 10);
  }

private:
  PeerWrite bare() const { return write_of(1, log_.hard_state.term.value + 1, 1, {}); }

  bool perform(PeerWrite write) {
    const auto error = store_->write(std::vector{write});
    if (!error)
      apply(write.write, log_);
    else
      expect(error->kind == StoreError::Kind::no_space, 11);
    return !error;
  }

  std::string directory_;
  std::unique_ptr<Store> store_{};
  Recovered log_{};
};

/// Mounts a small disk there, for this process alone: as root, or as one who may be that.
bool mount_disk(const std::string& directory, const std::string& size) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return false;
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const std::string how = "mode=0700,size=" + size;
  return ::mount("tmpfs", directory.c_str(), "tmpfs", 0, how.c_str()) == 0;
}

/// Takes all of the disk that is left.
void take_the_rest(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string bytes(4096, 'x');
  while (::write(fd, bytes.data(), bytes.size()) > 0) {}
  ::close(fd);
}

/// Does `task` in a process of its own, with a directory that is a disk of `size`. The exit code is
/// the step that went wrong. Leaves the task out where no disk can be mounted.
template <class Task>
void check_on_disk(const std::string& size, Task task) {
  const TempDirectory directory;
  const int step = run_in_child([&] {
    if (!mount_disk(directory.path(), size))
      ::_exit(no_mount);
    task(directory.path());
  });
  if (step == no_mount)
    MESSAGE("left out: a disk cannot be mounted here");
  else
    CHECK(step == 0);
}

}  // namespace

TEST_CASE("a limit on files that is reached refuses entries, and takes what makes room") {
  const TempDirectory directory;
  const int step = run_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000000, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Survivor survivor(directory.path());
    survivor.open();
    survivor.put_peer();
    for (int round = 0; round < 3; ++round) {
      survivor.fill();
      survivor.shrink();
      survivor.expect(survivor.append(), 20);
      survivor.check();
    }
    survivor.fill();
    survivor.open();  // On the full disk.
    survivor.check();
    survivor.shrink();
    survivor.fill();
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &none);
    survivor.expect(survivor.append(), 21);
    survivor.check();
  });
  CHECK(step == 0);
}

TEST_CASE("a disk that others fill refuses entries, and takes them when there is room") {
  check_on_disk("4m", [](const std::string& directory) {
    const std::string ballast = directory + "/ballast";
    Survivor survivor(directory + "/store");
    survivor.open();
    survivor.put_peer();
    survivor.expect(survivor.append(), 30);
    take_the_rest(ballast);
    survivor.fill();
    survivor.open();  // On the full disk.
    survivor.check();
    survivor.expect(!survivor.append(), 31);
    survivor.shrink();
    survivor.expect(survivor.append(), 32);
    survivor.fill();
    ::unlink(ballast.c_str());
    survivor.expect(survivor.append(), 33);
    survivor.check();
    survivor.fill();
    survivor.shrink();
    survivor.open();
    survivor.check();
  });
}

TEST_CASE("a full disk is told before anything is refused, and so is room") {
  check_on_disk("4m", [](const std::string& directory) {
    const std::string ballast = directory + "/ballast";
    Survivor survivor(directory + "/store");
    survivor.open();
    survivor.put_peer();
    survivor.expect(survivor.append() && !survivor.is_full(), 50);
    take_the_rest(ballast);
    for (int i = 0; !survivor.is_full(); ++i)
      survivor.expect(i < 1000 && survivor.append(), 51);
    // What was on its way by then is still taken.
    for (int i = 0; i < 3; ++i)
      survivor.expect(survivor.append(), 52);
    survivor.expect(!survivor.make_room() && survivor.is_full(), 53);
    survivor.fill();
    ::unlink(ballast.c_str());
    survivor.expect(survivor.is_full() && survivor.make_room() && !survivor.is_full(), 54);
    survivor.expect(survivor.append(), 55);
    survivor.check();
    // A cut makes room, too.
    take_the_rest(ballast);
    while (!survivor.is_full())
      survivor.expect(survivor.append(), 56);
    survivor.shrink();
    survivor.expect(survivor.make_room() && !survivor.is_full(), 57);
  });
}

TEST_CASE("a store cannot be created on a full disk, and can when there is room") {
  check_on_disk("1m", [](const std::string& directory) {
    const std::string ballast = directory + "/ballast";
    take_the_rest(ballast);
    const auto refused = open_lmdb_store(options(directory + "/store"));
    const auto* error = std::get_if<StoreError>(&refused);
    if (error == nullptr || error->kind != StoreError::Kind::no_space)
      ::_exit(40);
    ::unlink(ballast.c_str());
    Survivor survivor(directory + "/store");
    survivor.open();
    survivor.put_peer();
    survivor.expect(survivor.append(), 41);
  });
}
