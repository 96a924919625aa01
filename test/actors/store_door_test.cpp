#include "actors/store_door.hpp"

#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace troupe::actors {
namespace {

using test::StillSystem;

/// Writes down what it is asked.
class Recorder : public caf::event_based_actor {
public:
  Recorder(caf::actor_config& config, std::vector<std::string>& asked)
      : caf::event_based_actor(config), asked_(asked) {}

  caf::behavior make_behavior() override {
    return {
        [this](const StoreWrite& m) { note("write", m.write.id.value); },
        [this](const PutPeer& m) { note("put", m.record.id.value); },
        [this](const RecoverPeer& m) { note("recover", m.peer.value); },
        [this](const Stop&) {
          note("stop", 0);
          quit();
        },
    };
  }

private:
  void note(const std::string& what, std::uint64_t number) {
    asked_.push_back(what + " " + std::to_string(number));
  }

  std::vector<std::string>& asked_;
};

StoreWrite write(std::uint64_t number) {
  StoreWrite message;
  message.write.id = {number};
  return message;
}

TEST_CASE("what peers and their node ask of the store reaches it in order, and then the end") {
  StillSystem still;
  std::vector<std::string> asked;
  const caf::actor store = still.actors->spawn<Recorder>(asked);
  const caf::actor door = still.actors->spawn<StoreDoor>(store);

  send_from_outside(door, write(1));
  send_from_outside(door, PutPeer{{}, {{2}, "p", "register", true}});
  send_from_outside(door, write(3));
  send_from_outside(door, RecoverPeer{{}, {4}});
  send_from_outside(door, Stop{});
  still.run();

  CHECK(asked == std::vector<std::string>{"write 1", "put 2", "write 3", "recover 4", "stop 0"});
}

}  // namespace
}  // namespace troupe::actors
