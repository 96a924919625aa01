#include "storage/directory.hpp"
#include "storage/memory_store.hpp"
#include "test/child.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

/// A peer's store in a process of its own, whose exit code is the step that went wrong.
class Process {
public:
  explicit Process(const LmdbOptions& how) : how_(how) { ::signal(SIGXFSZ, SIG_IGN); }

  void open(int step) {
    store_.reset();
    auto opened = open_lmdb_store(how_);
    expect(std::holds_alternative<std::unique_ptr<Store>>(opened), step);
    store_ = std::move(std::get<std::unique_ptr<Store>>(opened));
    auto recovered = store_->recover({1});
    expect(std::holds_alternative<Recovered>(recovered), step);
    auto& log = std::get<Recovered>(recovered);
    expect(log_.entries.empty() || is_same(log, log_), step);
    log_ = std::move(log);
    term_ = std::max(term_, log_.hard_state.term.value);
  }
  void put_peer(int step) { expect(!store_->put_peer(peer_record(1)), step); }
  bool append(int count, std::size_t bytes) {
    std::vector<std::string> payloads(static_cast<std::size_t>(count), std::string(bytes, 'x'));
    return perform(write_of(1, 1, last() + 1, payloads));
  }
  /// Every so manyth entry.
  void release(std::uint64_t stride, int step) {
    for (std::uint64_t at = 1; at <= last();) {
      PeerWrite write = write_of(1, 1, 1, {});
      for (int i = 0; i < 512 && at <= last(); ++i, at += stride)
        write.write.released.push_back({at});
      expect(perform(std::move(write)), step);
    }
  }
  void vote(int count, int step) {
    for (int i = 0; i < count; ++i)
      expect(perform(write_of(1, ++term_, 1, {})), step);
  }
  bool is_full() { return store_->stats().full; }
  bool make_room() { return store_->make_room(); }

  /// So much and no more may be added to the file.
  void leave(std::uint64_t bytes) {
    struct stat status {};
    ::stat(data_file(how_.directory).c_str(), &status);
    limit_to(static_cast<rlim_t>(status.st_blocks) * 512 + bytes);
  }
  void leave_all() { limit_to(RLIM_INFINITY); }

  static void expect(bool good, int step) {
    if (!good)
      ::_exit(step);
  }

private:
  static void limit_to(rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::uint64_t last() const { return log_.before.index.value + log_.entries.size(); }
  bool perform(PeerWrite write) {
    write.write.hard_state.term = {term_};
    if (store_->write({&write, 1}))
      return false;
    storage::apply(write.write, log_);
    return true;
  }

  LmdbOptions how_;
  std::unique_ptr<Store> store_{};
  Recovered log_{};
  std::uint64_t term_ = 1;
};

int run(const LmdbOptions& how, const std::function<void(Process&)>& task) {
  return run_in_child([&] {
    Process process(how);
    task(process);
    ::_exit(0);  // Leaves the store as a crash does.
  });
}

LmdbOptions with_journal_of(const TempDirectory& directory, std::uint64_t bytes) {
  LmdbOptions how = options(directory.path());
  how.journal_bytes = bytes;
  return how;
}

}  // namespace

TEST_CASE("votes and a start need no room for what a journal holds of releases") {
  const TempDirectory directory;
  const LmdbOptions how = with_journal_of(directory, mebibyte);
  REQUIRE(run(how,
              [](Process& process) {
                process.open(1);
                process.put_peer(2);
                for (int i = 0; i < 64; ++i)
                  process.expect(process.append(1024, 900), 3);
              })
          == 0);
  CHECK(run(how,
            [](Process& process) {
              process.open(11);
              process.leave(24 * mebibyte);
              process.release(4, 12);
              process.put_peer(13);
              process.expect(process.is_full() && !process.make_room(), 21);
              process.vote(100, 14);
              process.open(15);
              process.vote(10, 16);
              process.leave_all();
              process.expect(process.make_room() && !process.is_full(), 17);
              process.expect(process.append(1, 900), 18);
              process.open(19);
            })
        == 0);
}

TEST_CASE("votes and a start need no room for long entries where only single pages are free") {
  const TempDirectory directory;
  const LmdbOptions how = with_journal_of(directory, 16 * mebibyte);
  REQUIRE(run(how,
              [](Process& process) {
                process.open(1);
                process.put_peer(2);
                for (int i = 0; i < 64; ++i)
                  process.expect(process.append(256, 3000), 3);
                process.release(2, 4);
              })
          == 0);
  CHECK(run(how,
            [](Process& process) {
              process.open(11);
              process.leave(mebibyte);
              while (process.append(1, 20000)) {}
              process.vote(200, 13);
              process.put_peer(14);
              process.open(15);
              process.vote(10, 17);
              process.leave_all();
              process.expect(process.make_room() && !process.is_full(), 18);
              process.expect(process.append(1, 20000), 19);
              process.open(20);
            })
        == 0);
}
