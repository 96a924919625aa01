#pragma once

/// The pages of an LMDB file, looked at without LMDB. Internal to this layer.
///
/// LMDB trusts its file. What it never compares, and what no read through it can show, is which
/// pages it takes to be free: one that is free and in use will be overwritten by the next writes,
/// or make LMDB abort in the middle of one. So a process that is about to write walks all trees
/// once and sees that each page is used once or free, and that each tree is as large as it says.

#include "storage/record.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::storage {

struct PageCheck {
  Problem problem{};
  bool cut_short = false;  ///< A page in use is not in the file: to read it through LMDB kills.
};

/// Checks the state that `transaction` left in `file`, in pages of `page_bytes`. Requires that
/// nobody writes meanwhile. Follows nothing out of the file, however damaged it is.
PageCheck check_pages(const std::string& file, std::size_t page_bytes, std::uint64_t transaction);

}  // namespace troupe::storage
