#pragma once

/// Between a peer and the replicated state behind it.

#include "actors/disk/messages.hpp"
#include "actors/runtime/backlog.hpp"
#include "machine/resource.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::actors {

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

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Apply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Applied)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::AnswersTaken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Load)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::StartOver)
