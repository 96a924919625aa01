#pragma once

#include "actors/runtime/caf.hpp"

#include <utility>

namespace troupe::actors {

/// A broker whose mailbox ends with it.
///
/// CAF 0.17 leaves the mailbox of a dead broker open. What is sent to it then stays there and keeps
/// its sender alive; of a timer that is the broker itself, which would never be freed.
class Broker : public caf::io::broker {
public:
  using caf::io::broker::broker;

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    close_all();
    // NOLINTNEXTLINE(bugprone-parent-virtual-call): what lies between would close all again.
    return caf::scheduled_actor::cleanup(std::move(reason), host);
  }
};

}  // namespace troupe::actors
