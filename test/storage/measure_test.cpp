/// What takes too long for every run: `test_storage --no-skip -tc='measured:*'`. Prints figures,
/// and fails where one is not of the size that was promised.

#include "storage/snapshots/file_snapshots.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/snapshot_samples.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The most memory that this process ever had, in MiB.
long peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss >> 10;
}

/// How long commits take while something else goes on, in milliseconds.
class Commits {
public:
  explicit Commits(const std::string& directory) : store_(open_lmdb(directory)) {
    REQUIRE(!store_->put_peer(peer_record(1)));
    thread_ = std::thread([this] {
      for (std::uint64_t i = 1; !stop_; ++i) {
        const Clock::time_point start = Clock::now();
        if (store_->write(std::vector{write_of(1, 1, i, {std::string(1000, 'x')})}))
          return;
        times_.push_back(1000 * seconds_since(start));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  std::string stop() {
    stop_ = true;
    thread_.join();
    std::sort(times_.begin(), times_.end());
    const auto at = [&](double share) {
      return std::to_string(times_.at(static_cast<std::size_t>(share * double(times_.size() - 1))));
    };
    return std::to_string(times_.size()) + " commits: median " + at(0.5) + " ms, 99 % " + at(0.99)
           + " ms, longest " + at(1) + " ms";
  }

private:
  std::unique_ptr<Store> store_;
  std::atomic<bool> stop_ = false;
  std::vector<double> times_{};
  std::thread thread_{};
};

constexpr std::size_t pieces = 1024;

}  // namespace

TEST_CASE("measured: a snapshot of a gibibyte takes no memory and lets commits through"
          * doctest::skip()) {
  const TempDirectory directory;
  const std::string piece = noise(std::size_t{1} << 20, 1);
  const Bytes bytes = Bytes::copy_of(piece);
  {
    const TempDirectory idle;
    Commits commits(idle.path());
    std::this_thread::sleep_for(std::chrono::seconds(3));
    MESSAGE("nothing else: " << commits.stop());
  }
  const auto snapshots = value_of(open_snapshots(directory.path()));
  const long before = peak_mib();
  Commits commits(directory.path());
  const auto rate = [](Clock::time_point start) { return double(pieces) / seconds_since(start); };

  Clock::time_point start = Clock::now();
  REQUIRE(!snapshots->begin({1}, title_of(1)));
  for (std::size_t i = 0; i < pieces; ++i)
    REQUIRE(!snapshots->append({1}, bytes));
  const Clock::time_point end = Clock::now();
  const SnapshotHead head = value_of(snapshots->finish({1}));
  MESSAGE("written: " << rate(start) << " MiB/s, of it the end: " << 1000 * seconds_since(end)
                      << " ms");
  MESSAGE("beside it " << commits.stop());

  start = Clock::now();
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < pieces; ++i)
    offset = value_of(snapshots->piece({1}, head, offset)).next;
  CHECK(value_of(snapshots->piece({1}, head, offset)).last);
  MESSAGE("read: " << rate(start) << " MiB/s");
  start = Clock::now();
  CHECK(!snapshots->check({1}, head));
  MESSAGE("checked: " << rate(start) << " MiB/s");

  start = Clock::now();
  for (std::uint64_t upto = 0; upto < head.size_bytes;) {
    const Bytes part = value_of(snapshots->bytes({1}, head, upto, std::size_t{1} << 20));
    upto = value_of(snapshots->receive({2}, head, upto, part));
  }
  MESSAGE("sent and received: " << rate(start) << " MiB/s");
  MESSAGE("memory: " << peak_mib() - before << " MiB more at its peak than " << before);
  CHECK(peak_mib() - before < 32);
}

TEST_CASE("measured: what it costs to ask a store with many free pages how large it is"
          * doctest::skip()) {
  const TempDirectory directory;
  const auto store = open_lmdb(directory.path());
  REQUIRE(!store->put_peer(peer_record(1)));
  for (std::uint64_t i = 0; i < 100; ++i)
    REQUIRE(!store->write(
        std::vector{write_of(1, 1, 1 + i * 10000, std::vector<std::string>(10000, "small"))}));
  for (std::uint64_t last = 1000000; last > 0; last -= 100)
    REQUIRE(!store->write(std::vector{truncating(write_of(1, 1, 1, {}), last - 99)}));
  const Clock::time_point start = Clock::now();
  constexpr int calls = 100;
  StoreStats stats;
  for (int i = 0; i < calls; ++i)
    stats = store->stats();
  MESSAGE("stats: " << 1e6 * seconds_since(start) / calls << " us, of " << stats.file_bytes
                    << " bytes used " << stats.used_bytes);
}

TEST_CASE("measured: a million small entries overwritten and released" * doctest::skip()) {
  const TempDirectory directory;
  auto store = open_lmdb(directory.path());
  REQUIRE(!store->put_peer(peer_record(1)));
  constexpr std::uint64_t entries = 1000000;
  constexpr std::uint64_t batch = 10000;
  const auto tell = [&](const std::string& what) {
    Clock::time_point start = Clock::now();
    const Recovered recovered = value_of(store->recover({1}));
    const double recover = seconds_since(start);
    store.reset();
    start = Clock::now();
    store = open_lmdb(directory.path());
    MESSAGE(what << ": used " << (store->stats().used_bytes >> 10) << " KiB of "
                 << (store->stats().file_bytes >> 10) << " KiB; recovered "
                 << recovered.entries.size() << " entries in " << 1000 * recover
                 << " ms, opened in " << 1000 * seconds_since(start) << " ms");
  };
  // Keys are overwritten in turn: each entry but the last of its key matters no more.
  for (std::uint64_t first = 1; first <= entries; first += batch)
    REQUIRE(!store->write(
        std::vector{write_of(1, 1, first, std::vector<std::string>(batch, std::string(50, 'x')))}));
  tell("written");
  const auto release = [&](std::uint64_t from, std::uint64_t step) {
    const Clock::time_point start = Clock::now();
    std::uint64_t count = 0;
    for (std::uint64_t first = from; first <= entries - 1000; first += batch) {
      PeerWrite write = write_of(1, 1, 1, {});
      for (std::uint64_t i = first; i < std::min(first + batch, entries - 999); i += step)
        write.write.released.push_back({i});
      count += write.write.released.size();
      REQUIRE(!store->write(std::vector{write}));
    }
    return std::to_string(count) + " released in " + std::to_string(seconds_since(start)) + " s";
  };
  tell(release(1, 2) + " (each second)");
  tell(release(2, 2) + " (the rest but for 1000)");
  PeerWrite cut = write_of(1, 1, 1, {});
  cut.write.snapshot = snapshot_of({{1}, {entries}}, 1);
  REQUIRE(!store->write(std::vector{cut}));
  cut = write_of(1, 1, 1, {});
  cut.write.cut_before = Index{entries - 500};
  REQUIRE(!store->write(std::vector{cut}));
  tell("cut");
}

TEST_CASE("measured: cutting a log in steps beside the writes that grow it" * doctest::skip()) {
  const TempDirectory directory;
  const auto store = open_lmdb(directory.path());
  REQUIRE(!store->put_peer(peer_record(1)));
  std::vector<double> plain;
  std::vector<double> cutting;
  constexpr std::uint64_t batch = 1000;
  for (std::uint64_t first = 1; first <= 1000 * batch; first += batch) {
    PeerWrite write = write_of(1, 1, first, std::vector<std::string>(batch, std::string(100, 'x')));
    const bool cuts = first > 500 * batch;
    if (cuts) {
      write.write.snapshot = snapshot_of({{1}, {first - 1}}, first);
      write.write.cut_before = Index{1 + 4 * (first - 500 * batch)};
      if (*write.write.cut_before > Index{first})
        write.write.cut_before = Index{first};
    }
    const Clock::time_point start = Clock::now();
    REQUIRE(!store->write(std::vector{write}));
    (cuts ? cutting : plain).push_back(1000 * seconds_since(start));
  }
  for (auto* times : {&plain, &cutting})
    std::sort(times->begin(), times->end());
  MESSAGE("1000 entries: median " << plain[plain.size() / 2] << " ms, longest " << plain.back()
                                  << " ms; with a cut of 4000: median "
                                  << cutting[cutting.size() / 2] << " ms, longest "
                                  << cutting.back() << " ms; file "
                                  << (store->stats().file_bytes >> 20) << " MiB");
}
