#pragma once

#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/types.hpp"

#include <compare>
#include <cstdint>

namespace troupe {

/// Where a snapshot is to be taken, and what it must know besides the replicated state (§5.1): the
/// configuration that was in force there, since the entry that holds it may be cut from the log.
struct SnapshotPlace {
  EntryId id{};  ///< The last entry that it covers.
  Configuration configuration{};
  Index configuration_index{};  ///< Of the entry that holds it; 0 if none.
  friend bool operator==(const SnapshotPlace&, const SnapshotPlace&) = default;
};

/// Names one snapshot. Two of the same place, by two peers or by one at two times, may differ in
/// their bytes; then they differ in their hashes.
struct SnapshotId {
  EntryId last{};  ///< That it covers.
  std::uint64_t hash = 0;
  friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
};

/// A snapshot as everyone but its resource sees it. The bytes lie elsewhere; these say which.
struct SnapshotHead {
  SnapshotPlace place{};
  std::uint64_t size_bytes = 0;  ///< Of the bytes. Never 0.
  std::uint64_t hash = 0;        ///< Over all of them: another snapshot of the same place differs.
  friend bool operator==(const SnapshotHead&, const SnapshotHead&) = default;

  SnapshotId id() const { return {place.id, hash}; }
};

}  // namespace troupe
