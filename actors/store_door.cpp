#include "actors/store_door.hpp"

#include "actors/messages.hpp"

#include <utility>

namespace troupe::actors {

StoreDoor::StoreDoor(caf::actor_config& config, caf::actor store)
    : IoActor(config), store_(std::move(store)) {}

template <class Message>
auto StoreDoor::passing() {
  return [this](Message& message) { actors::send(this, store_, std::move(message)); };
}

caf::behavior StoreDoor::make_behavior() {
  outlive_errors(this);
  return {
      passing<StoreWrite>(),
      passing<PutPeer>(),
      passing<RecoverPeer>(),
      [this](const Stop&) {
        actors::send(this, store_, Stop{});
        quit();
      },
  };
}

/// Actors that hold each other's handles are never freed.
void StoreDoor::on_exit() {
  store_ = nullptr;
}

}  // namespace troupe::actors
