#pragma once

#include "core/bytes.hpp"
#include "core/types.hpp"

#include <cstdint>

namespace troupe {

/// What an entry asks of the replicated state. Values are on disk: append only.
enum class EntryKind : std::uint8_t {
  noop = 0,           ///< Nothing: a new leader's first entry (§6.4).
  command = 1,        ///< For a resource; the payload is the command's envelope.
  configuration = 2,  ///< For the engine; the payload is an encoded `Configuration`.
  released = 3,       ///< A hole: what stood here matters no more and is gone (§5.3). No payload.
};

/// One slot of the log. Its payload is opaque to the engine, but for
/// configurations.
struct Entry {
  EntryId id{};
  EntryKind kind = EntryKind::noop;
  Bytes payload{};
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// The command in entry `by` made `entry` matter no more (§5.3). Itself, where it leaves nothing
/// behind: then it is a *tombstone*, without which what it deleted would come back.
struct Release {
  Index by{};
  Index entry{};
  bool is_tombstone() const { return by == entry; }
  friend auto operator<=>(const Release&, const Release&) = default;
};

/// What an entry counts as in windows and limits: its payload and the cost of
/// its head on disk and wire.
inline constexpr std::size_t entry_head_bytes = 64;
inline std::size_t size_bytes(const Entry& entry) {
  return entry_head_bytes + entry.payload.size();
}

}  // namespace troupe
