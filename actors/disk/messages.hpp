#pragma once

/// Between peers, resources, and the two actors that wait for the disk.

#include "actors/runtime/messages.hpp"
#include "core/message.hpp"
#include "core/recovered.hpp"
#include "storage/snapshots/snapshots.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::actors {

/// Peer -> store. Answered with `StoreWritten` or `StoreFailed`, in order.
struct StoreWrite {
  PeerId peer{};
  caf::actor reply_to{};
  Write write{};
};

struct StoreWritten {
  WriteId upto{};
  std::uint64_t store_bytes = 0;
};

struct StoreFailed {
  storage::StoreError error{};
};

/// Store -> each peer that writes, whenever that changes: a full disk (`Store::make_room`). What a
/// peer has asked for waits for room, in order, and is answered when it is written.
struct StoreFull {
  bool full = true;
};

/// Node -> store: `Store::put_peer`. Answered with `PeerPut`, or `StoreFailed`.
struct PutPeer {
  caf::actor reply_to{};
  storage::PeerRecord record{};
};

struct PeerPut {
  storage::PeerRecord record{};
  std::optional<storage::StoreError> refusal{};  ///< The disk is full; all is as it was.
};

/// Node -> store: `Store::delete_peer`, behind all writes that were sent before. Answered with
/// `PeerDeleted`, or `StoreFailed`.
struct DeletePeer {
  caf::actor reply_to{};
  PeerId peer{};
};

struct PeerDeleted {
  PeerId peer{};
  std::optional<storage::StoreError> refusal{};  ///< The disk is full; all is as it was.
};

/// Node -> snapshots: `Snapshots::remove`. Answered with `SnapshotsRemoved`.
struct RemoveSnapshots {
  caf::actor reply_to{};
  PeerId peer{};
};

struct SnapshotsRemoved {
  PeerId peer{};
};

/// Node -> store: `Store::recover`, behind all writes that were sent before.
/// Answered with `PeerRecovered`.
struct RecoverPeer {
  caf::actor reply_to{};
  PeerId peer{};
};

struct PeerRecovered {
  PeerId peer{};
  std::variant<Recovered, storage::StoreError> outcome{};
};

/// Peer -> resource, behind every entry that the snapshot covers: bring your state to `snapshots`,
/// while entries go on to change it. The peer gets `SaveProgress`, and `SnapshotSaved` at the end.
struct Save {
  caf::actor snapshots{};
  caf::actor reply_to{};
  PeerId peer{};
  storage::SnapshotTitle title{};
};

/// Resource -> snapshots: here begins what `asked` asks for. Each `NextPiece` asks for a piece
/// more, so that one is on its way at a time. `save` is the resource's number for it.
struct BeginSave {
  caf::actor resource{};
  std::uint64_t save = 0;
  Save asked{};
};

struct NextPiece {
  std::uint64_t save = 0;
};

struct SavePiece {
  caf::actor resource{};
  std::uint64_t save = 0;
  PeerId peer{};
  Bytes bytes{};  ///< None: that was all.
  int percent = 0;
};

/// The resource gives it up. `why` is for people.
struct EndSave {
  caf::actor resource{};
  std::uint64_t save = 0;
  PeerId peer{};
  std::string why{};
};

struct SaveProgress {
  EntryId id{};
  int percent = 0;
};

struct SnapshotSaved {
  EntryId id{};
  storage::Outcome<SnapshotHead> outcome{};  ///< Durable.
};

/// Resource -> snapshots; answered with `PieceRead`. `load` is the resource's number for it.
struct ReadPiece {
  caf::actor reply_to{};
  std::uint64_t load = 0;
  PeerId peer{};
  std::string kind{};  ///< Of which the snapshot must be.
  SnapshotHead head{};
  std::uint64_t offset = 0;
};

struct PieceRead {
  std::uint64_t load = 0;
  storage::Outcome<storage::SnapshotPiece> outcome{};
};

/// Peer -> snapshots: bytes for a follower. Answered with `ChunkRead`.
struct ReadChunk {
  caf::actor reply_to{};
  PeerId peer{};
  SnapshotHead head{};
  std::uint64_t offset = 0;
  ChunkToSend chunk{};  ///< Of no length: a question, which only keeps its place among the others.
};

struct ChunkRead {
  SnapshotHead head{};
  Message message{};
  storage::Outcome<Bytes> outcome{};
};

/// Peer -> snapshots: bytes of a leader. Answered with `ChunkWritten`, in order.
struct WriteChunk {
  caf::actor reply_to{};
  PeerId peer{};
  ChunkToStore chunk{};
};

struct ChunkWritten {
  SnapshotHead head{};
  std::uint64_t offset = 0;  ///< Of the chunk.
  std::uint64_t upto = 0;    ///< So much of the snapshot is here.
  std::optional<storage::StoreError> failure{};
};

/// Peer -> snapshots: read all of it. Answered with `Checked`.
struct CheckSnapshot {
  caf::actor reply_to{};
  PeerId peer{};
  SnapshotHead head{};
};

struct Checked {
  SnapshotHead head{};
  std::optional<storage::StoreError> failure{};
};

/// Peer -> snapshots: this one counts, durably, and no older one any more.
struct KeepSnapshot {
  PeerId peer{};
  std::optional<SnapshotHead> head{};
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::StoreWrite)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::StoreWritten)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::StoreFailed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::StoreFull)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PutPeer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PeerPut)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::DeletePeer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PeerDeleted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::RemoveSnapshots)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SnapshotsRemoved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::RecoverPeer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PeerRecovered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Save)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::BeginSave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::NextPiece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SavePiece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::EndSave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SaveProgress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SnapshotSaved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ReadPiece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PieceRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ReadChunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ChunkRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::WriteChunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ChunkWritten)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::CheckSnapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Checked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::KeepSnapshot)
