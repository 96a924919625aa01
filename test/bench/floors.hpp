#pragma once

#include <string>

namespace bench {

/// What nothing that is durable and replicated can be faster than, on this machine and just now.
struct Floors {
  double fdatasync_us = 0;  ///< 256 bytes over written space of a file, one `fdatasync`: median.
  /// The same by three at once, who share the disk: until two are done, which are a majority.
  double fdatasync_of_three_us = 0;
  double rtt_us = 0;  ///< 256 bytes to another process and back over loopback: median.
};

Floors measure_floors(const std::string& directory);

}  // namespace bench
