#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace bench {

/// What a process asked of the kernel that /proc does not count. Counted where it happens: this
/// program has its own `fdatasync`, `pwrite`, `send` and the like, which the libraries below it
/// find first.
struct Counters {
  std::atomic<std::uint64_t> syncs{0};     ///< Flushes of a disk: also writes to O_DSYNC files.
  std::atomic<std::uint64_t> messages{0};  ///< Writes to sockets. One carries all that waited.
  /// To files, in pages of 4 KiB. /proc counts whole folios of the page cache, which can be a
  /// megabyte for a write of one page.
  std::atomic<std::uint64_t> bytes_written{0};
};

/// Of this process.
Counters& own_counters();

/// From here on the counters of this process are kept in the file, for others to look at.
void publish_counters(const std::string& path);

/// From here on each flush of a file by this process is a sleep of so long instead. On files in
/// memory, that is what a disk of its own would be to each node of a machine.
void imitate_flushes(std::chrono::microseconds duration);

/// The counters of another process, which published them. Null if it did not.
class PublishedCounters {
public:
  explicit PublishedCounters(const std::string& path);
  ~PublishedCounters();
  PublishedCounters(const PublishedCounters&) = delete;
  PublishedCounters& operator=(const PublishedCounters&) = delete;

  const Counters* get() const { return counters_; }

private:
  Counters* counters_ = nullptr;
};

}  // namespace bench
