#pragma once

#include "core/entry.hpp"
#include "core/output.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <optional>
#include <vector>

namespace troupe {

/// What a store gives back when a peer starts.
struct Recovered {
  HardState hard_state{};
  /// Where the log begins: the entry before the first of `entries`; {0, 0} if nothing was ever cut.
  EntryId before{};
  std::vector<Entry> entries{};            ///< Without gaps, behind `before`; holes are `released`.
  std::optional<SnapshotHead> snapshot{};  ///< At or behind `before`, unless that is {0, 0}.
};

}  // namespace troupe
