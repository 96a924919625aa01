#include "actors/transport/dialer.hpp"

#include <utility>
#include <variant>

namespace troupe::actors {

Dialer::Dialer(caf::actor_config& config, DialOptions options)
    : caf::event_based_actor(config), options_(std::move(options)) {}

caf::behavior Dialer::make_behavior() {
  auto outcome = dial(options_.address, options_.timeout, *options_.cancelled);
  Dialed dialed;
  if (auto* socket = std::get_if<Socket>(&outcome))
    dialed.socket = std::make_shared<Socket>(std::move(*socket));
  else
    dialed.error = std::get<std::string>(outcome);
  actors::send(this, options_.requester, std::move(dialed));
  options_.requester = {};
  return {};  // Without a behavior an actor ends.
}

}  // namespace troupe::actors
