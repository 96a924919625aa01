#pragma once

#include "test/bench/counters.hpp"

#include <sys/types.h>

#include <cstdint>

namespace bench {

/// What a process has used since it started.
struct Usage {
  double cpu_us = 0;  ///< Of all its threads, in user and kernel mode.
  std::uint64_t syncs = 0;
  std::uint64_t bytes_written = 0;  ///< To the disk: what the page cache took, in pages.
  std::uint64_t messages = 0;
  std::uint64_t switches = 0;  ///< Of context, wanted or not; of threads that are still there.
  std::uint64_t rss_bytes = 0;

  /// Of several processes: the sum; of memory the largest.
  Usage& operator+=(const Usage& other);
};

/// What was used from `before` to `after`; memory as it is after.
Usage between(const Usage& before, const Usage& after);

/// Zeros for what cannot be read. `counters` may be null.
Usage usage_of(pid_t process, const Counters* counters);

}  // namespace bench
