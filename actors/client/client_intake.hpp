#pragma once

#include "actors/client/client_operation.hpp"
#include "actors/runtime/caf.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace troupe::actors {

/// The peers to ask, from then on.
struct UseCluster {
  std::vector<std::string> peers{};
};

/// Intake -> client's actor: there is something to take.
struct Intake {};

/// What callers on any thread want of a client, on its way to the client's actor, in order. One
/// message wakes the actor for all that gathers until it looks.
///
/// Knows the end of the actor, too: callers may be there long after it, and hold nothing of its
/// system.
class ClientIntake {
public:
  using Task = std::variant<OperationPtr, UseCluster>;

  /// `actor` takes, from now until it calls `close`. If it did so already, nothing changes.
  void open(caf::actor actor);
  /// There is no actor, and there will be none.
  void never_open();

  /// False once it is closed. Requires that it was opened.
  bool put(Task task);
  /// The actor's: takes some of what waits. If that is not all, it is woken once more.
  std::deque<Task> take(std::size_t tasks_max);
  /// The actor's: takes all that waits, and no more comes.
  std::deque<Task> close();
  /// The actor's last call: it has answered all that it took.
  void leave();

  /// Has the actor end, and waits until it left. Not from its thread.
  void end();

private:
  enum class State : std::uint8_t { unopened, open, closed };

  std::mutex mutex_{};
  std::condition_variable left_{};
  State state_ = State::unopened;
  bool has_left_ = false;
  caf::actor actor_{};  ///< While open.
  std::deque<Task> tasks_{};
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Intake)
