#include "core/random.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

/// A history of a peer, in steps that each take the term one further; told by the number alone, so
/// that both sides of a crash know it. It holds all that a write can: cuts, holes, snapshots.
class History {
public:
  Write next() {
    Write write = RandomWrites(++step_).next_of(log_);
    write.hard_state.term = {step_};
    for (Entry& entry : write.entries)
      entry.id.term = {step_};
    if (write.restart)
      write.snapshot->place.id.term = {step_};
    apply(write, log_);
    return write;
  }
  const Recovered& after(std::uint64_t step) {
    while (step_ < step)
      next();
    return log_;
  }

private:
  std::uint64_t step_ = 0;
  Recovered log_{};
};

/// Writes step after step to both peers and tells each that is durable. Ends by being killed.
[[noreturn]] void write_until_killed(const LmdbOptions& how, int tell) {
  auto opened = open_lmdb_store(how);
  if (!std::holds_alternative<std::unique_ptr<Store>>(opened))
    ::_exit(1);
  Store& store = *std::get<std::unique_ptr<Store>>(opened);
  const auto recovered = store.recover({1});
  if (!std::holds_alternative<Recovered>(recovered))
    ::_exit(1);
  std::uint64_t step = std::get<Recovered>(recovered).hard_state.term.value;
  History history;
  history.after(step);
  for (;;) {
    ++step;
    const Write write = history.next();
    if (store.write(std::vector<PeerWrite>{{{1}, write}, {{2}, write}}))
      ::_exit(1);
    if (::write(tell, &step, sizeof(step)) != sizeof(step))
      ::_exit(1);
  }
}

/// Kills the writer after `acknowledgements`, and returns the last step that it told of.
std::uint64_t run_and_kill(const LmdbOptions& how, std::uint64_t acknowledgements,
                           std::uint64_t last) {
  int pipe[2] = {};
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    write_until_killed(how, pipe[1]);
  ::close(pipe[1]);
  std::uint64_t step = 0;
  for (std::uint64_t i = 0; i < acknowledgements; ++i) {
    REQUIRE(::read(pipe[0], &step, sizeof(step)) == sizeof(step));
    last = step;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(pipe[0], &step, sizeof(step)) == sizeof(step))
    last = step;
  ::close(pipe[0]);
  return last;
}

/// `cycles` times, and each time up to `writes_max` further.
void check_crashes(const LmdbOptions& how, int cycles, std::uint64_t writes_max) {
  {
    const auto store = open_lmdb(how);
    REQUIRE(!store->put_peer(peer_record(1)));
    REQUIRE(!store->put_peer(peer_record(2)));
  }
  Random random(1);
  History history;
  std::uint64_t acknowledged = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    CAPTURE(cycle);
    acknowledged = run_and_kill(how, random.below(writes_max), acknowledged);

    const auto store = open_lmdb(how);
    const Recovered first = value_of(store->recover({1}));
    const std::uint64_t step = first.hard_state.term.value;
    // The last write may have become durable without anybody hearing of it.
    CHECK(step >= acknowledged);
    CHECK(step <= acknowledged + 1);
    CHECK(is_same(first, history.after(step)));
    CHECK(is_same(value_of(store->recover({2})), history.after(step)));
    acknowledged = step;
  }
  CHECK(acknowledged > 20);
}

}  // namespace

TEST_CASE("whoever is killed at any moment has all that it acknowledged") {
  const TempDirectory directory;
  check_crashes(options(directory.path()), 20, 8);
}

TEST_CASE("whoever is killed at any moment has all that its journal acknowledged") {
  const TempDirectory directory;
  check_crashes(with_journal(directory.path()), 40, 40);
}

namespace {

/// Adds a peer, writes to it and deletes it, over and over, and tells of each step.
[[noreturn]] void delete_until_killed(const LmdbOptions& how, int tell) {
  const auto store = open_lmdb(how);
  for (std::uint64_t id = 100;; ++id) {
    PeerRecord peer = peer_record(3);
    peer.id = {id};
    for (const PeerRecord& old : value_of(store->peers()))
      if (old.name == peer.name)
        peer.id = old.id;
    const bool failed =
        (peer.id.value == id
         && (store->put_peer(peer)
             || store->write(std::vector{write_of(id, 1, 1, {"a", std::string(20000, 'b')})})))
        || store->delete_peer(peer.id);
    const std::uint64_t step = id;
    if (failed || ::write(tell, &step, sizeof(step)) != sizeof(step))
      ::_exit(1);
  }
}

void check_deletions(const LmdbOptions& how) {
  {
    const auto store = open_lmdb(how);
    REQUIRE(!store->put_peer(peer_record(1)));
    REQUIRE(!store->write(std::vector{write_of(1, 1, 1, {"stays"})}));
  }
  for (unsigned cycle = 0; cycle < 15; ++cycle) {
    CAPTURE(cycle);
    int pipe[2] = {};
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      delete_until_killed(how, pipe[1]);
    ::close(pipe[1]);
    std::uint64_t step = 0;
    for (unsigned i = 0; i <= cycle % 4; ++i)
      REQUIRE(::read(pipe[0], &step, sizeof(step)) == sizeof(step));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(pipe[0]);

    const auto store = open_lmdb(how);
    CHECK(value_of(store->recover({1})).entries.size() == 1);
    for (const PeerRecord& peer : value_of(store->peers()))
      if (peer.id != PeerId{1}) {
        const std::size_t entries = value_of(store->recover(peer.id)).entries.size();
        CHECK((entries == 0 || entries == 2));
      }
  }
}

}  // namespace

TEST_CASE("whoever is killed while it deletes a peer has all of it, or nothing") {
  SUBCASE("in LMDB") {
    const TempDirectory directory;
    check_deletions(options(directory.path()));
  }
  SUBCASE("behind a journal") {
    const TempDirectory directory;
    check_deletions(with_journal(directory.path()));
  }
}
