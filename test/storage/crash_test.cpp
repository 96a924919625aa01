#include "core/random.hpp"
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

/// What the history of a peer looks like after `step` writes: each appends two entries, each third
/// replaces the last entry of the one before. Told by the number alone, so that both sides of a
/// crash know it.
std::vector<Entry> log_after(std::uint64_t steps) {
  std::vector<Entry> log;
  for (std::uint64_t step = 1; step <= steps; ++step) {
    if (step % 3 == 0)
      log.pop_back();
    for (int i = 0; i < 2; ++i)
      log.push_back(entry(step, log.size() + 1, std::string(step * 97 % 3000, 'a')));
  }
  return log;
}

PeerWrite write_at(std::uint64_t peer, std::uint64_t step) {
  const std::vector<Entry> before = log_after(step - 1);
  const std::vector<Entry> after = log_after(step);
  PeerWrite write{.peer = {peer}};
  write.write.hard_state = {.term = {step}, .voted_for = {peer}, .cluster = {1}};
  const std::size_t kept = step % 3 == 0 ? before.size() - 1 : before.size();
  if (kept < before.size())
    write.write.truncate_from = Index{kept + 1};
  write.write.entries.assign(after.begin() + static_cast<std::ptrdiff_t>(kept), after.end());
  return write;
}

/// Writes step after step to both peers and tells each that is durable. Ends by being killed.
[[noreturn]] void write_until_killed(const std::string& directory, int tell) {
  auto opened = open_lmdb_store(options(directory));
  if (!std::holds_alternative<std::unique_ptr<Store>>(opened))
    ::_exit(1);
  Store& store = *std::get<std::unique_ptr<Store>>(opened);
  const auto recovered = store.recover({1});
  if (!std::holds_alternative<Recovered>(recovered))
    ::_exit(1);
  std::uint64_t step = std::get<Recovered>(recovered).hard_state.term.value;
  for (;;) {
    ++step;
    if (store.write(std::vector{write_at(1, step), write_at(2, step)}))
      ::_exit(1);
    if (::write(tell, &step, sizeof(step)) != sizeof(step))
      ::_exit(1);
  }
}

/// Kills the writer after `acknowledgements`, and returns the last step that it told of.
std::uint64_t run_and_kill(const std::string& directory, std::uint64_t acknowledgements,
                           std::uint64_t last) {
  int pipe[2] = {};
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    write_until_killed(directory, pipe[1]);
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

}  // namespace

TEST_CASE("whoever is killed at any moment has all that it acknowledged") {
  const TempDirectory directory;
  {
    const auto store = open_lmdb(directory.path());
    REQUIRE(!store->put_peer(peer_record(1)));
    REQUIRE(!store->put_peer(peer_record(2)));
  }
  Random random(1);
  std::uint64_t acknowledged = 0;
  for (int cycle = 0; cycle < 20; ++cycle) {
    CAPTURE(cycle);
    acknowledged = run_and_kill(directory.path(), random.below(8), acknowledged);

    const auto store = open_lmdb(directory.path());
    const Recovered first = value_of(store->recover({1}));
    const std::uint64_t step = first.hard_state.term.value;
    // The last write may have become durable without anybody hearing of it.
    CHECK(step >= acknowledged);
    CHECK(step <= acknowledged + 1);
    CHECK(first.entries == log_after(step));
    CHECK(value_of(store->recover({2})).entries == log_after(step));
    CHECK(value_of(store->recover({2})).hard_state.term.value == step);
    acknowledged = step;
  }
  CHECK(acknowledged > 20);
}
