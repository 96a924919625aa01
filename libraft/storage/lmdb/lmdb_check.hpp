#pragma once

#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/lmdb/lmdb_reader.hpp"

#include <cstdint>
#include <string>

namespace troupe::storage {

struct CheckOptions {
  Access access = Access::read_locked;
  unsigned tables_max = 0;
  std::uint64_t acknowledged = 0;  ///< Of the last transaction that was.
};

/// Reads everything in `directory` in a child process, and returns what is wrong there; where
/// nobody writes, also in the pages that hold no values (`check_pages`). A damaged page can kill
/// the process that reads it (LMDB asserts, or follows an offset out of its map); then the text
/// says what the child was reading. Internal to this layer.
///
/// Requires: a `data.mdb` that is not empty. Forks: in the child only this thread goes on, and it
/// does nothing but read, so that what other threads hold locked does not matter.
Problem check_in_child(const std::string& directory, const CheckOptions& options);

}  // namespace troupe::storage
