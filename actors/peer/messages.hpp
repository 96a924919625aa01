#pragma once

/// From a peer to its node, and the answers.

#include "actors/runtime/messages.hpp"
#include "core/configuration.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::actors {

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

/// What had arrived at this node when the peer began to read stands in front of this.
struct InputRead {};

/// Peer -> node, last words before it quits.
struct PeerStopped {
  PeerId peer{};
  Configuration configuration{};  ///< The last in force; whom to ask in its place.
  std::string failure{};          ///< Why it could not go on; empty if it was told to stop.
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Inquire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Inquired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::InputRead)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::PeerStopped)
