#pragma once

#include "actors/runtime/caf.hpp"
#include "actors/transport/connection_slots.hpp"
#include "actors/transport/socket.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::actors {

/// Listener -> the actor it reports to: a connection came in.
struct Accepted {
  SharedSocket socket{};
  std::string source{};  ///< See `source_of`.
};

/// Listener -> the actor it reports to: accepting fails, and is tried again ten times a second.
/// Told once until it works again.
struct AcceptingPaused {
  std::string why{};
};
struct AcceptingResumed {};

/// Accepts connections, on its own thread, until its socket is shut down, and ends then. With
/// `slots` it waits before each one as long as there are too many strangers (`await_place`). CAF's
/// own acceptor would try again at once, for ever, if the process has no file left to accept with.
class Listener : public caf::event_based_actor {
public:
  Listener(caf::actor_config& config, SharedSocket socket, caf::actor reports_to,
           std::shared_ptr<ConnectionSlots> slots = {});

  caf::behavior make_behavior() override;
  const char* name() const override { return "listener"; }

private:
  enum class Outcome : std::uint8_t { accepted, nothing, no_files, over };
  Outcome accept_one();
  bool wait(short events, int timeout_ms);

  SharedSocket socket_;
  caf::actor requester_;
  std::shared_ptr<ConnectionSlots> slots_;
  std::string why_{};  ///< Of the last failure.
};

/// The machine at the other end, as far as it can be told: its IPv4 address, or the first 64 bits
/// of its IPv6 address, of which it may have all that follow.
std::string source_of(const sockaddr_storage& address);

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::AcceptingPaused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::AcceptingResumed)
