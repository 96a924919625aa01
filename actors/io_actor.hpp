#pragma once

#include "actors/caf.hpp"

#include <atomic>
#include <utility>

namespace troupe::actors {

/// An actor that lives on the thread of the connections, where a system has one: what passes
/// between the two then costs no change of threads. For actors that never take long: whatever
/// arrives at this node waits for them.
class IoActor : public caf::event_based_actor {
public:
  explicit IoActor(caf::actor_config& config)
      : caf::event_based_actor(config),
        thread_(system().has_middleman() ? &system().middleman().backend() : nullptr) {}

  using caf::event_based_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* host) override {
    if (away_)
      host = nullptr;  // Any worker of the scheduler.
    else if (thread_ != nullptr)
      host = thread_;
    caf::event_based_actor::enqueue(std::move(element), host);
  }
  void launch(caf::execution_unit* host, bool lazy, bool hidden) override {
    caf::event_based_actor::launch(thread_ != nullptr ? thread_ : host, lazy, hidden);
  }
  /// How the thread knows whom not to pass on to the scheduler.
  subtype_t subtype() const override {
    return thread_ != nullptr && !away_ ? io_actor : caf::event_based_actor::subtype();
  }

protected:
  /// Leaves the thread to others, or returns to it, with the next message that wakes this actor:
  /// what is in its mailbox by now is done where it is. Where there is no such thread, nothing
  /// changes.
  void stay_away(bool away) { away_ = away && thread_ != nullptr; }
  bool is_away() const { return away_; }

private:
  caf::execution_unit* thread_;
  std::atomic<bool> away_{false};  ///< Read by whoever sends.
};

}  // namespace troupe::actors
