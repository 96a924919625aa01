#pragma once

/// What any actor sends to itself or to another it ends, and the packets that actors pass on. All
/// of it stays in this process; everything large is shared and immutable, or moved.

#include "actors/runtime/caf.hpp"
#include "wire/packet.hpp"

#include <cstdint>

namespace troupe::actors {

/// Behind all that is in the mailbox: act on what gathered.
struct Flush {};

/// A timer. One with an old epoch means nothing any more: timers cannot be taken back.
struct Wake {
  std::uint64_t epoch = 0;
};

/// To a peer: hand over leadership if you can, make what you hold durable, answer all who
/// wait, then quit. To a node: the same for all its peers, then quit. To a store, the snapshots, a
/// resource or an inquiry: quit behind what was sent before.
struct Stop {};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::Frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::CallReplies)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::Response)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Stop)
