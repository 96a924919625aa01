#pragma once

#include "core/message.hpp"
#include "core/output.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace troupe {

/// Time has come to `now`. Times never go back; one that does counts as no
/// time at all. Give one before each batch of other inputs and whenever
/// `next_deadline()` passes.
struct Tick {
  Time now{};
  /// What came within this time before `now` may wait unread, say in a socket: nothing is decided
  /// by the silence of that time. A process that was kept from running hears its own timers first,
  /// and finds a leader's messages behind them.
  Duration unread{};
};

/// The store has made every write up to and including `write` durable.
struct Persisted {
  WriteId write{};
};

/// There is no connection to `peer`. If it leads us we stop telling clients so until it is heard
/// again, and campaign as soon as others may vote; they refuse while they hear it (§9.6).
struct Disconnected {
  PeerId peer{};
};

/// Whether `peer` is still there is in doubt: nothing came from its node for about an election
/// timeout, or a peer has ended there. Wakes this peer if it is quiescent and relies on `peer`;
/// otherwise ignored. Without it a quiescent follower learns too late that its leader is gone.
struct Silent {
  PeerId peer{};
};

/// The snapshot that `Output::take_snapshot` asked for is durable; nothing if there will be none.
/// Each is answered once.
struct SnapshotTaken {
  std::optional<SnapshotHead> head{};
};

/// The answer to a `ChunkToStore`: the first `upto` bytes of that snapshot are stored here. When
/// that is all of it, it was checked and is durable.
struct ChunkStored {
  SnapshotId id{};
  std::uint64_t offset = 0;  ///< Of the chunk that this answers.
  std::uint64_t upto = 0;
  bool corrupt = false;  ///< All had come, and was damaged; nothing of it is kept.
};

/// A snapshot of ours turned out to be damaged or missing.
struct SnapshotLost {
  SnapshotId id{};
  /// It was to be installed, and the replicated state is as empty as that of a new peer. Else the
  /// state is sound, and another snapshot of it can be taken.
  bool stateless = false;
};

/// What the entries from `from` to `upto` released, in order; of each of them the others before
/// itself (§5.3). Each entry that is applied is reported once, also one that releases nothing:
/// what does not follow upon the last report, or was released twice, ends all cleaning until the
/// next start. After a start, or a snapshot, reports begin behind it.
struct Released {
  Index from{};
  Index upto{};
  std::vector<Release> releases{};
};

/// Whether the store takes more entries. While it does not, it may still write those that it has
/// been given; and it always writes what makes nothing larger.
struct DiskFull {
  bool full = true;
};

using Input = std::variant<Tick, Message, Persisted, Disconnected, SnapshotTaken, ChunkStored,
                           SnapshotLost, Released, DiskFull, Silent>;

}  // namespace troupe
