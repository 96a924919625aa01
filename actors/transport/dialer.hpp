#pragma once

#include "actors/runtime/caf.hpp"
#include "actors/transport/socket.hpp"
#include "core/types.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace troupe::actors {

/// Set by an actor that asked for a dial and no longer wants it.
using Cancelled = std::shared_ptr<std::atomic<bool>>;

struct DialOptions {
  std::string address{};
  Duration timeout = std::chrono::seconds(1);
  caf::actor requester{};  ///< Gets one `Dialed`.
  Cancelled cancelled{};
};

/// Dialer -> requester.
struct Dialed {
  SharedSocket socket{};  ///< Connected; null if that failed.
  std::string error{};
};

/// Connects once, on its own thread, and is gone: connecting and resolving names block, and CAF
/// would do either on the one thread that serves all sockets.
class Dialer : public caf::event_based_actor {
public:
  Dialer(caf::actor_config& config, DialOptions options);

  caf::behavior make_behavior() override;
  const char* name() const override { return "dialer"; }

private:
  DialOptions options_;
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Dialed)
