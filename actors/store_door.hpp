#pragma once

#include "actors/io_actor.hpp"

namespace troupe::actors {

/// The way to the store of a node, for all its peers: passes on what comes, in order.
///
/// Waking the store's thread takes time, and it takes a core. A peer that sends messages and then a
/// write to this actor has its messages in the sockets before the store wakes up: connections that
/// had something to do by then have done it. So the followers' disks start as early as they can,
/// and ours works beside them (§10.2.1).
class StoreDoor : public IoActor {
public:
  StoreDoor(caf::actor_config& config, caf::actor store);

  caf::behavior make_behavior() override;
  const char* name() const override { return "store_door"; }
  void on_exit() override;

private:
  template <class Message>
  auto passing();

  caf::actor store_;
};

}  // namespace troupe::actors
