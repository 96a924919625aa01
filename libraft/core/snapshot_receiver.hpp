#pragma once

#include "core/input.hpp"
#include "core/message.hpp"
#include "core/output.hpp"
#include "core/snapshot.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// The snapshot that a leader sends to this peer (§5.1), until all of it is durable here. The other
/// end is a `SnapshotSending`.
///
/// Chunks go to the store as they come; it answers each one with how much it has. A chunk without
/// data asks for that. One snapshot is received at a time, and another one takes its place.
class SnapshotReceiver {
public:
  /// What is being received; nothing if nothing is.
  const std::optional<SnapshotHead>& head() const { return head_; }
  /// So many bytes of it are stored; 0 if nothing is received.
  std::uint64_t upto() const { return upto_; }
  bool is_complete() const { return head_ && upto_ == head_->size_bytes; }

  /// Takes a chunk, to be stored with the next output. A question that comes while the store has
  /// not answered another chunk is left out, for the store answers it so: while a disk stalls,
  /// questions come with every heartbeat, for as long as it takes.
  void take(const SnapshotChunk& chunk);
  bool has_chunks() const { return !chunks_.empty(); }
  std::vector<ChunkToStore> take_chunks();

  /// The store's answer. Returns whether it is about what is being received.
  bool stored(const ChunkStored& stored);

  /// Receives no more. Requires: `head()`.
  SnapshotHead finish();
  /// Likewise, if anything was received.
  void give_up();

private:
  std::optional<SnapshotHead> head_{};
  std::uint64_t upto_ = 0;
  std::uint64_t unanswered_ = 0;  ///< Chunks that the store was given, or is to be given.
  std::vector<ChunkToStore> chunks_{};
};

}  // namespace troupe
