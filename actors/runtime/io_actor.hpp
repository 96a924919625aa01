#pragma once

#include "actors/runtime/caf.hpp"

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
  /// Tells CAF's multiplexer to run this actor itself instead of handing it to a worker.
  subtype_t subtype() const override {
    return thread_ != nullptr && !away_ ? io_actor : caf::event_based_actor::subtype();
  }

protected:
  /// Calls `then` on the thread of this actor once that thread has read what has arrived by now:
  /// what actors on it were sent by then stands in their mailboxes. Without such a thread, at once.
  template <class Then>
  void after_reading(Then then) {
    if (thread_ == nullptr || away_)
      return then();
    read_once_more(*thread_, polls_to_read, std::move(then));
  }

  /// Leaves the thread to others, or returns to it, with the next message that wakes this actor:
  /// what is in its mailbox by now is done where it is. Where there is no such thread, nothing
  /// changes.
  void stay_away(bool away) { away_ = away && thread_ != nullptr; }
  bool is_away() const { return away_; }

private:
  /// What is posted on the thread itself runs before its next poll. So the first comes before any,
  /// and three polls lie between it and the last. Each reads from up to 64 sockets that have
  /// something to say, and the next one from others.
  static constexpr int polls_to_read = 4;

  template <class Then>
  static void read_once_more(caf::io::network::multiplexer& thread, int polls, Then then) {
    if (polls == 0)
      return then();
    thread.post([&thread, polls, then = std::move(then)]() mutable {
      read_once_more(thread, polls - 1, std::move(then));
    });
  }

  caf::io::network::multiplexer* thread_;
  std::atomic<bool> away_{false};  ///< Read by all senders.
};

}  // namespace troupe::actors
