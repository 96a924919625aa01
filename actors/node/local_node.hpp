#pragma once

#include "actors/runtime/caf.hpp"

#include <string>

namespace troupe::actors {

/// The node in whose process a client lives.
struct LocalNode {
  caf::actor_system* system = nullptr;  ///< Null if there is none, or it has stopped.
  caf::actor actor{};
  std::string address{};
};

}  // namespace troupe::actors
