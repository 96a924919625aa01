#pragma once

/// What the actors of one process say to each other. None of it leaves the process: between nodes
/// only frames travel (wire/packet.hpp). Everything large is shared and immutable or moved.

#include "actors/runtime/backlog.hpp"
#include "actors/runtime/caf.hpp"
#include "core/engine.hpp"
#include "machine/resource.hpp"
#include "storage/snapshots.hpp"
#include "storage/store.hpp"
#include "wire/packet.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::actors {

// ---- connections

/// The actors that receive what comes in over a connection of this node. Immutable; the node sends
/// a new one to its connections when a peer starts or stops.
struct Registry {
  std::map<PeerId, caf::actor> by_id{};
  std::map<std::string, caf::actor, std::less<>> by_name{};
  std::uint64_t ended = 0;                     ///< Peers that ended here since the node started.
  std::set<std::string, std::less<>> nodes{};  ///< Where members of our peers' clusters are.
};
using SharedRegistry = std::shared_ptr<const Registry>;

/// Connection -> peer: messages of other peers, of one frame, addressed to it.
struct InboundMessages {
  std::string from_address{};  ///< Where the sending node says it listens.
  caf::actor connection{};     ///< Over which they came; null from a peer of the same node.
  std::vector<Message> messages{};
};

/// Connection, or a client of the same process -> peer (or node, if no such peer runs): calls of
/// one frame. Answer with `wire::CallReplies` to `connection`.
struct InboundCalls {
  caf::actor connection{};
  wire::Calls calls{};
  Ticket ticket{};  ///< To be kept until all of them are answered.
  /// Of the frame that the payloads are slices of; 0 where each has memory of its own.
  std::size_t frame_bytes = 0;
};

/// Connection, or a client of the same process -> node: an operator's request. Node -> peer, for
/// what the peer must answer. Answer with a `wire::Response` to `connection`.
struct InboundRequest {
  caf::actor connection{};
  wire::Request request{};
  Ticket ticket{};  ///< To be kept until it is answered.
};

/// Connection -> owner of an outgoing connection: answers that came back.
struct InboundReplies {
  std::string address{};
  wire::CallReplies replies{};
};
struct InboundResponse {
  std::string address{};
  wire::Response response{};
};

/// Link -> all who subscribed: there is a connection to the node at `address`, or there is none.
/// Frames (`wire::Frame`) go straight to `connection`; it bounds what it holds and drops the rest.
struct LinkUp {
  std::string address{};
  caf::actor connection{};
};
struct LinkDown {
  std::string address{};
  /// Why the node over there has no place for us. Empty: there is another reason.
  std::string turned_away{};
};

/// Connection -> node -> peers that have business there: nothing was heard of the node at `address`
/// for a while, or a connection from there ended, or a peer has ended there. Behind all that came
/// over the connection before.
struct NodeInDoubt {
  std::string address{};
};

/// Connection -> node -> link to `address`: a node that says it lives there dialed us. Where we
/// pause before dialing it again, that is over: it listens.
struct NodeHeard {
  std::string address{};
};

/// Anyone -> node: "tell me LinkUp and LinkDown of `address`", dialing it if need be.
struct WantLink {
  std::string address{};
  caf::actor subscriber{};
};

/// Anyone -> node -> link: "no more". A link that nobody wants ends.
struct DropLink {
  std::string address{};
  caf::actor subscriber{};
};

/// Client of the same process -> node: "tell me `SharedRegistry`, each time that it changes".
struct WantRegistry {
  caf::actor subscriber{};
};

// ---- store

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

// ---- resource

/// Peer -> resource: committed entries, in log order. Answered with `Applied`.
struct Apply {
  caf::actor reply_to{};
  std::vector<Entry> entries{};
  bool with_outcomes = false;  ///< Someone waits for what the commands are answered with.
};
/// Resource -> peer: a reply for each command of one `Apply` (none for other kinds of entry), or
/// none at all where nobody asked for them.
struct Applied {
  struct Outcome {
    EntryId id{};
    machine::Reply reply{};
  };
  Index from{};  ///< The first entry; one past `upto` if there was none.
  Index upto{};
  std::vector<Outcome> outcomes{};
  std::vector<Release> releases{};  ///< What the commands released, in order.
};

/// Peer -> resource, behind every entry that the answer must reflect; the resource answers the
/// connections itself.
struct Ask {
  struct Query {
    caf::actor connection{};
    std::uint64_t id = 0;
    Bytes question{};
    std::size_t ticket = 0;  ///< Its place among `tickets`.
  };
  std::vector<Query> queries{};
  std::vector<Ticket> tickets{};  ///< Of the queries. None where nobody counts.
  std::size_t answered = 0;       ///< So many of the queries, from the front.
  // What the answers carry, see `wire::CallReplies`.
  ClusterId cluster{};
  std::string leader{};
};

/// Resource -> itself: the socket of the connection with this id has taken enough of its answers
/// for more.
struct AnswersTaken {
  caf::actor_id connection = 0;
};

// ---- snapshots

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

/// Peer -> resource: become what this snapshot holds. What is sent behind it waits until then.
/// Answered with `Loaded`. If it fails, the resource is empty and of no use until the next `Load`.
struct Load {
  caf::actor snapshots{};
  caf::actor reply_to{};
  PeerId peer{};
  SnapshotHead head{};
};
struct Loaded {
  SnapshotHead head{};
  std::optional<storage::StoreError> failure{};
};
/// Peer -> resource: become empty, as before the first entry.
struct StartOver {};
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

// ---- questions to other nodes

/// Peer -> node: put each request to the node at its address, which may be this one. Answered with
/// one `Inquired` when all have answered, when one answer is `enough`, or when the time is over.
/// The ids of the requests are set on the way.
struct Inquire {
  struct Question {
    std::string address{};
    wire::Request request{};
  };
  using Enough = bool (*)(const wire::Response&);

  std::uint64_t id = 0;  ///< The asker's; comes back.
  caf::actor reply_to{};
  std::vector<Question> questions{};
  Duration timeout{};
  Enough enough = nullptr;
};
struct Inquired {
  std::uint64_t id = 0;
  /// One for each question, in their order: `unreachable` (detail: the address) where none came.
  std::vector<wire::Response> responses{};
};

// ---- an actor to itself

/// Behind all that is in the mailbox: act on what gathered.
struct Flush {};
/// A timer. One with an old epoch means nothing any more: timers cannot be taken back.
struct Wake {
  std::uint64_t epoch = 0;
};

/// What had arrived at this node when the peer began to read stands in front of this.
struct InputRead {};

// ---- life

/// Peer -> node, last words before it quits.
struct PeerStopped {
  PeerId peer{};
  Configuration configuration{};  ///< The last in force; whom to ask in its place.
  std::string failure{};          ///< Why it could not go on; empty if it was told to stop.
};

/// To a peer: hand over leadership if you can, make what you hold durable, answer all who
/// wait, then quit. To a node: the same for all its peers, then quit. To a store, the snapshots, a
/// resource or an inquiry: quit behind what was sent before.
struct Stop {};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::Frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::CallReplies)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::Response)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SharedRegistry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InboundMessages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InboundCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InboundRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InboundReplies)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InboundResponse)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::LinkUp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::LinkDown)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::NodeInDoubt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::NodeHeard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::WantLink)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::DropLink)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::WantRegistry)
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Apply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Applied)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::AnswersTaken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Save)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::BeginSave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::NextPiece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SavePiece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::EndSave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SaveProgress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::SnapshotSaved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Load)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::StartOver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ReadPiece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PieceRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ReadChunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ChunkRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::WriteChunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ChunkWritten)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::CheckSnapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Checked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::KeepSnapshot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Inquire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Inquired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InputRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PeerStopped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Stop)
