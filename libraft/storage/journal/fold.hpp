#pragma once

/// Many writes made few. Internal to this layer.

#include "storage/store.hpp"

#include <vector>

namespace troupe::storage {

/// Writes that leave behind what `writes` leave behind, one for each peer but where its log begins
/// anew. What `writes` append and release, truncate or cut again is not in them, save as holes: a
/// store that is written to less often than a log changes need never see it.
std::vector<PeerWrite> fold(std::vector<PeerWrite> writes);

}  // namespace troupe::storage
