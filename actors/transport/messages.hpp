#pragma once

/// Between connections, links, the node and its peers. Between nodes only frames travel
/// (wire/packet.hpp).

#include "actors/runtime/backlog.hpp"
#include "actors/runtime/messages.hpp"
#include "core/message.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe::actors {

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

}  // namespace troupe::actors

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
