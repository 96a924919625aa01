#pragma once

#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/message.hpp"
#include "core/refusal.hpp"
#include "core/view.hpp"
#include "wire/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::wire {

/// Changes with each incompatible change of what is said over a connection.
inline constexpr std::uint32_t protocol_version = 1;

// What a packet may hold. A sender that exceeds one is refused by every receiver.
inline constexpr std::size_t name_bytes_max = 255;  ///< Of a name, a kind or an address.
inline constexpr std::size_t full_name_bytes_max = 2 * name_bytes_max + 1;  ///< "name@host:port".
inline constexpr std::size_t detail_bytes_max = 4096;  ///< Of a detail or an option's value.
inline constexpr std::size_t messages_max = std::size_t{1} << 16;
inline constexpr std::size_t calls_max = std::size_t{1} << 16;  ///< And of replies.
inline constexpr std::size_t members_max = 1024;
inline constexpr std::size_t names_max = std::size_t{1} << 16;
inline constexpr std::size_t options_max = 256;
inline constexpr std::size_t seen_max = 1024;  ///< Clusters that a client keeps track of.

/// So many bytes of a frame may be referred to by no field, beside an eighth of it: what a
/// FlatBuffer takes for its own ends. A part of a frame keeps all of it in memory, and only the
/// part is counted.
inline constexpr std::size_t unreferenced_bytes_max = 1024;

/// As much of a detail as travels. A resource's own words may be of any length; it is cut rather
/// than refused, since the command has happened by then.
std::string_view clipped(std::string_view detail);

/// The first packet of each side of a connection. Anything else closes it.
struct Hello {
  std::uint32_t version = protocol_version;
  std::string node{};             ///< Its name; empty for a client.
  std::string address{};          ///< Where it listens ("host:port"); empty for a client.
  std::uint64_t incarnation = 0;  ///< Drawn when the process started.
};

/// Messages between peers of two nodes, all that one turn produced. Without any, it is a beat: it
/// says that the node is alive.
struct PeerMessages {
  std::vector<Message> messages{};
  /// In beats: how many peers have ended on the sending node since it started, and one. Else 0.
  std::uint64_t ended = 0;
};

enum class CallKind : std::uint8_t { command = 0, query = 1 };

/// Commands or queries of one client for one peer, all that waited.
struct Call {
  std::uint64_t id = 0;  ///< The client's; comes back in the reply.
  Bytes payload{};  ///< Of a command: its envelope (`encode_command`). Of a query: the resource's
                    ///< bytes.
};
/// The largest index that a client has met in answers of a cluster.
struct Seen {
  ClusterId cluster{};
  Index index{};
  friend bool operator==(const Seen&, const Seen&) = default;
};
struct Calls {
  std::string peer{};  ///< Name on the node that is asked.
  CallKind kind = CallKind::command;
  ReadLevel level = ReadLevel::linearizable;  ///< Of queries.
  std::vector<Call> calls{};
  /// Of sequential queries: no answer may be older. Sorted by cluster. Of all clusters that the
  /// client has met: which of them it asks only the asked peer knows.
  std::vector<Seen> seen{};
};

/// One answer for each call, in any order.
struct CallReply {
  std::uint64_t id = 0;
  Refusal refusal = Refusal::none;
  std::string detail{};  ///< Of a redirect: the leader's full name or empty. Of a resource's
                         ///< refusal: its word.
  Index index{};  ///< Of a command: its entry. Of a query: what was applied when it was answered.
  Bytes value{};
};
struct CallReplies {
  std::vector<CallReply> replies{};
  ClusterId cluster{};  ///< To which the indexes of the replies belong.
  /// Full name of who leads, if it is another peer than who answers: whom to ask next time.
  std::string leader{};
};

// What an operator asks of a node or one of its peers. Each gets one `Response`.
struct AskLeader {};
struct AskStatus {};
struct AskEntry {
  Index index{};
};
/// Of a peer, also where it is stopped. Answered with an `Identity`.
struct AskIdentity {
  /// The id of the member of that name, where a leader asks that does not hear it and was told of
  /// another id before. That other peer logs that it is not the member. Else `nobody`.
  PeerId expected{};
};
struct AskPeers {};  ///< The names of all peers on the node.
struct StartPeer {
  std::string kind{};
  std::vector<std::pair<std::string, std::string>> options{};
};
struct StopPeer {};
/// What becomes of the members that a change names. Values travel on the wire: append only.
enum class Change : std::uint8_t {
  replace = 0,      ///< They alone vote, and nobody listens.
  add_voter = 1,    ///< They vote, too.
  add_learner = 2,  ///< They listen, too.
  remove = 3,       ///< They are members no more.
  promote = 4,      ///< Standbys become learners, learners become voters.
  demote = 5,       ///< Voters become learners, learners become standbys.
  add_standby = 6,  ///< They stand by, too.
  keep_voters = 7,  ///< Nothing; leaders keep a number of voters from then on.
};
struct SetConfiguration {
  std::vector<std::string> members{};  ///< "name@host:port", or "name" for a peer of the same node.
  Change change = Change::replace;
  VoterPolicy keep{};  ///< Of `keep_voters`, which names no members.
};
/// Has the leader hand over (§3.10). Answered with the new leader's full name.
struct TransferLeadership {
  std::string to{};  ///< As a member; empty for the voter that is furthest.
};
/// Answered with a `TakenSnapshot` when it is durable.
struct TakeSnapshot {};
/// Removes a peer that is stopped from its node, with its log and its snapshots.
struct DeletePeer {};

struct Request {
  std::uint64_t id = 0;
  std::string peer{};  ///< Its name; empty where the node itself is asked.
  std::variant<AskLeader, AskStatus, AskEntry, AskIdentity, AskPeers, StartPeer, StopPeer,
               SetConfiguration, TransferLeadership, TakeSnapshot, DeletePeer>
      body{};
};

/// A snapshot that is on its way to this peer's disk.
struct SnapshotProgress {
  Index index{};  ///< The last entry that it covers.
  std::uint8_t percent = 0;
  friend bool operator==(const SnapshotProgress&, const SnapshotProgress&) = default;
};
/// What a leader knows of one follower.
struct FollowerStatus {
  std::string name{};  ///< Full.
  Index match{};
  Index next{};
  Pace pace = Pace::probe;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t heard_ms = 0;        ///< Since it was last heard.
  std::uint64_t snapshot_sent = 0;   ///< Of the snapshot that it is being sent, as it confirmed...
  std::uint64_t snapshot_bytes = 0;  ///< ...and the size of that; 0 if it is sent none.
  bool set_back = false;             ///< Its disk was set back, and it counts for nothing...
  Index acknowledged{};              ///< ...though it had acknowledged as much.
  bool disk_lost = false;            ///< It is not heard: another peer runs under its name.
  friend bool operator==(const FollowerStatus&, const FollowerStatus&) = default;
};

/// The answer to `AskStatus`.
struct PeerStatus {
  std::string name{};  ///< Full.
  std::string kind{};
  Role role = Role::follower;
  std::string leader{};  ///< Full name, or empty.
  Term term{};
  Index commit{};
  Index applied{};
  EntryId last{};
  Configuration configuration{};
  Index configuration_index{};
  std::uint64_t store_bytes = 0;
  Index first{};                ///< The first entry in the log, or one past the last.
  std::uint64_t holes = 0;      ///< Entries in the log that were cleaned (§5.3).
  Index cleaned_upto{};         ///< What entries up to this one superseded may be cleaned.
  std::uint64_t log_bytes = 0;  ///< The log in memory.
  EntryId snapshot{};  ///< The last entry that our snapshot covers; {0, 0} if there is none.
  std::uint64_t snapshot_bytes = 0;
  std::optional<SnapshotProgress> taking{};     ///< Of our own.
  std::optional<SnapshotProgress> receiving{};  ///< Of the leader's.
  std::vector<FollowerStatus> followers{};      ///< While leading.
  ClusterId cluster{};                          ///< 0 of a peer that belongs to none.
  bool changing = false;  ///< It leads, and another configuration is to follow.
  /// For so long nobody else can lead, and it answers lease reads alone; 0 without a lease. Who
  /// decides alone shows one election timeout.
  std::uint64_t lease_ms = 0;
  std::uint64_t read_rounds = 0;  ///< Begun since its start to confirm reads.
  bool disk_stalls = false;       ///< A write takes longer than `disk_stall_max`.
  bool disk_full = false;         ///< Commands are refused until there is room.
  bool quiet = false;             ///< Nothing happens, and no heartbeats are sent or waited for.
  bool set_back = false;          ///< Its disk was set back: it neither votes nor accepts.
};
/// A snapshot that is durable here.
struct TakenSnapshot {
  EntryId id{};
  std::uint64_t size_bytes = 0;
};
/// The answer to `AskIdentity`.
struct Identity {
  PeerId id{};
  std::string kind{};
  bool running = false;
  std::string address{};   ///< That its node advertises.
  std::uint64_t node = 0;  ///< Drawn when the process of its node started.
  // Of a peer that runs, or is held back by its node.
  ClusterId cluster{};  ///< 0 if it belongs to none.
  Term term{};
  Index last{};  ///< Of its log.
};

struct Response {
  std::uint64_t id = 0;
  Refusal refusal = Refusal::none;
  std::string detail{};  ///< As in `CallReply`.
  /// `string`: a full name (StartPeer, AskLeader, TransferLeadership; empty for none).
  /// `vector<string>`: AskPeers.
  std::variant<std::monostate, std::string, PeerStatus, Entry, Identity, Configuration,
               std::vector<std::string>, TakenSnapshot>
      body{};
};

using Packet = std::variant<Hello, PeerMessages, Calls, CallReplies, Request, Response>;

/// Encodes a packet as one frame. Requires that the body fits `frame_body_bytes_max`; senders
/// bound their batches well below it. Details are `clipped`.
Frame encode(const Packet& packet);

/// Reads the body of a frame: verified by FlatBuffers, then checked for what a verifier does not
/// know: entries without gaps, terms that do not fall, enumerators in range, names and counts
/// within bounds, no bytes referred to twice, few to which nothing refers. Numbers are checked
/// before anything is unpacked. Payloads are slices of `body` and keep it alive; they
/// are aligned to eight bytes. A `Hello` of another version is refused. The detail of the refusal
/// says what is wrong.
Result<Packet> decode(const Bytes& body);

}  // namespace troupe::wire
