#pragma once

#include "storage/lmdb/lmdb_handles.hpp"
#include "storage/record.hpp"

#include <string>

namespace troupe::storage {

/// Makes an empty `data.mdb` in `directory`, which we have locked and which holds none, or an empty
/// file. It is whole and durable when it gets its name: LMDB does not sync the first pages of a new
/// file, and a power cut could leave a part of them, which nobody could tell from a damaged store.
/// Internal to this layer.
Problem create_data_file(const std::string& directory);

}  // namespace troupe::storage
