#pragma once

#include "core/bytes.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::storage {

/// What a snapshot says of itself, in front of its pieces.
struct SnapshotTitle {
  SnapshotPlace place{};
  ClusterId cluster{};
  std::string kind{};  ///< Of the resource whose state it is.
};

/// The next piece of a snapshot, checked.
struct SnapshotPiece {
  Bytes bytes{};
  std::uint64_t next = 0;  ///< Where the piece behind it starts.
  bool last = false;       ///< No piece, but the end: everything was there. `bytes` is empty.
};

/// The snapshots of all peers of one node: large, written once from front to end, apart from the
/// logs, so that neither waits for the other. Used by one thread at a time. Two implementations
/// ship (`open_snapshots`, `open_memory_snapshots`), and one conformance test holds for both.
///
/// A snapshot is a title and pieces, each with its size and checksum, and an end that says how many
/// and carries the hash over all: whatever is damaged, missing or of another snapshot is noticed.
/// A peer has at most one snapshot that is being written, one that is being received, and any
/// number that are finished, by the id of the last entry that they cover and their hash.
///
/// After `no_space` nothing has changed, and the same call may be made again, or what is unfinished
/// abandoned. After any other error of `begin`, `append`, `finish` or `receive` what was being
/// written or received by it is gone; finished ones are as they were. What is being written is gone
/// after a crash, too; what is being received goes on where it was, or some pieces before.
class Snapshots {
public:
  Snapshots() = default;
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;
  virtual ~Snapshots() = default;

  // ---- one of our own

  /// Starts one. Another that this peer was writing is thrown away.
  [[nodiscard]] virtual std::optional<StoreError> begin(PeerId peer,
                                                        const SnapshotTitle& title) = 0;
  /// Appends a piece: any bytes but none, at most `snapshot_piece_bytes_max`. Requires `begin`,
  /// and no error since but `no_space`; so does `finish`.
  [[nodiscard]] virtual std::optional<StoreError> append(PeerId peer, Bytes piece) = 0;
  /// The snapshot is durable when it returns. If there is no space for its end, it can be tried
  /// again.
  virtual Outcome<SnapshotHead> finish(PeerId peer) = 0;
  /// Throws away what the peer was writing, if anything.
  virtual void abandon(PeerId peer) = 0;

  // ---- one of another peer, in any bytes of it

  /// How far the snapshot `head` has come to `peer`: its size if it is finished here, and 0 if
  /// nothing of it is here, or it was found to be damaged since the process started. The first call
  /// after a start reads what there is.
  virtual std::uint64_t received(PeerId peer, const SnapshotHead& head) = 0;
  /// Appends bytes at `offset` and answers how far it has come. Bytes at another offset than that
  /// change nothing, and so do none. All are checked as they come; when it answers the size, the
  /// snapshot is finished and durable. If it is damaged, it is thrown away and the error `corrupt`
  /// says where. Bytes at 0 throw away another snapshot that this peer was receiving.
  virtual Outcome<std::uint64_t> receive(PeerId peer, const SnapshotHead& head,
                                         std::uint64_t offset, Bytes bytes) = 0;

  // ---- finished ones

  /// The title of a finished snapshot, checked.
  virtual Outcome<SnapshotTitle> title(PeerId peer, const SnapshotHead& head) = 0;
  /// The piece at `offset`; 0 for the first. A damaged or missing one is an error that names file,
  /// piece and offset. Pieces that are read one behind the other from the first to the end are
  /// checked to be all of `head`, and nothing else. Bytes are read once; nothing but the piece is
  /// held in memory.
  virtual Outcome<SnapshotPiece> piece(PeerId peer, const SnapshotHead& head,
                                       std::uint64_t offset) = 0;
  /// Bytes to send to another peer, unchecked: at most `length`, less at the end.
  virtual Outcome<Bytes> bytes(PeerId peer, const SnapshotHead& head, std::uint64_t offset,
                               std::size_t length) = 0;
  /// Reads all of it. Nothing if it is sound.
  virtual std::optional<StoreError> check(PeerId peer, const SnapshotHead& head) = 0;
  /// Removes the finished snapshots of `peer` but for `head`, or all.
  virtual void keep_only(PeerId peer, const std::optional<SnapshotHead>& head) = 0;

  // ---- peers

  /// Removes all of `peer`, which was deleted: also what it was writing or receiving.
  virtual void remove(PeerId peer) = 0;
  /// Removes all of peers that are not among these: a node died while it deleted them.
  virtual void remove_all_but(const std::set<PeerId>& peers) = 0;
};

inline constexpr std::size_t snapshot_piece_bytes_max = std::size_t{4} << 20;

}  // namespace troupe::storage
