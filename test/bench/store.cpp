/// One store, without a cluster: a log that is appended to at one end and cut at the other.

#include "storage/lmdb/lmdb_store.hpp"
#include "test/bench/measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>

namespace bench {
namespace {

using namespace troupe;
namespace fs = std::filesystem;

constexpr std::size_t entries_default = 20'000'000;
constexpr std::size_t parts = 10;
constexpr std::size_t batch = 1000;       ///< Entries that share a sync.
constexpr std::size_t live_of_all = 20;   ///< A twentieth of all entries is kept...
constexpr std::size_t cuts_of_live = 20;  ///< ...and what is more, cut so often.

class GrowingLog {
public:
  GrowingLog(const std::string& directory, std::size_t value_bytes, std::size_t live)
      : payload_(Bytes::copy_of(std::string(value_bytes, 'v'))), live_(live) {
    auto opened = storage::open_lmdb_store({.directory = directory});
    if (auto* error = std::get_if<storage::StoreError>(&opened))
      throw std::runtime_error(error->text);
    store_ = std::move(std::get<std::unique_ptr<storage::Store>>(opened));
    if (const auto error = store_->put_peer({.id = peer_, .name = "p", .kind = "kv_store"}))
      throw std::runtime_error(error->text);
  }

  /// Makes `count` more entries durable, cuts what is too much, and adds how long each commit took.
  void append(std::size_t count, Histogram& times) {
    for (std::size_t done = 0; done < count; done += batch) {
      const storage::PeerWrite write{peer_, next_write()};
      const auto start = Clock::now();
      if (const auto error = store_->write({&write, 1}))
        throw std::runtime_error(error->text);
      times.add(static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - start).count()));
    }
  }

private:
  Write next_write() {
    Write write{.hard_state = {.term = last_.term}};
    for (std::size_t i = 0; i < batch; ++i) {
      last_.index = next(last_.index);
      write.entries.push_back({.id = last_, .kind = EntryKind::command, .payload = payload_});
    }
    const std::uint64_t kept = last_.index.value - cut_.value + 1;
    if (kept > live_ + live_ / cuts_of_live) {
      cut_ = Index{last_.index.value - live_ + 1};
      write.snapshot = SnapshotHead{
          .place = {.id = last_,
                    .configuration = {.voters = {{.id = peer_, .name = "p", .address = "p:1"}}},
                    .configuration_index = {1}},
          .size_bytes = 1};
      write.cut_before = cut_;
    }
    return write;
  }

  const PeerId peer_{1};
  Bytes payload_;
  std::uint64_t live_;
  std::unique_ptr<storage::Store> store_{};
  EntryId last_{.term = {1}};
  Index cut_{1};
};

std::uint64_t bytes_below(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(directory))
    if (file.is_regular_file())
      bytes += file.file_size();
  return bytes;
}

}  // namespace

void run_store(const Options& options, const Print& print) {
  const std::size_t entries = std::max(options.entries.value_or(entries_default), parts * batch);
  const std::size_t live = std::max(entries / live_of_all, batch);
  const Stage stage(options, 0);  // Its directory goes with it, also if we are interrupted.
  const std::string& directory = stage.directory();
  const Floors floors = measure_floors(directory);
  GrowingLog log(directory, options.value_bytes, live);
  Histogram unmeasured;
  log.append(2 * live, unmeasured);  // Until it is as long as it will ever be.
  double first_p99 = 0;
  for (std::size_t part = 1; part <= parts; ++part) {
    const Usage before = usage_of(::getpid(), &own_counters());
    const auto start = Clock::now();
    Histogram times;
    log.append(entries / parts, times);
    Figures figures = figures_of(times, seconds_since(start),
                                 between(before, usage_of(::getpid(), &own_counters())), Usage{});
    add(figures, floors);
    if (part == 1)
      first_p99 = figures["p99_us"];
    figures["p99_to_first"] = figures["p99_us"] / first_p99;
    figures["entries_per_s"] = figures["ops_per_s"] * batch;
    figures["disk_mb"] = static_cast<double>(bytes_below(directory)) / 1e6;
    figures["disk_to_live"] =
        figures["disk_mb"] * 1e6 / static_cast<double>(live * options.value_bytes);
    Row row = row_for(options, "store_" + std::to_string(part), 1);
    row.rounds.push_back(std::move(figures));
    print(row);
  }
}

}  // namespace bench
