#pragma once

/// CAF, and the few words in which its versions differ (0.17.6 is what Debian 12 ships; 1.x
/// renamed sending, monitoring and configuration keys). Actors here say `troupe::actors::send` and
/// the like, and are classes; nothing else in the layers above and below knows CAF's version.
///
/// Inside a member function of an actor write `actors::send(this, to, …)`, qualified: CAF's member
/// `send` hides this one, compiles all the same, and sends `to` to ourselves.

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <chrono>
#include <utility>

namespace troupe::actors {

template <class Self, class Target, class... Ts>
void send(Self* self, const Target& target, Ts&&... xs) {
  self->send(target, std::forward<Ts>(xs)...);
}

template <class Self, class Target, class... Ts>
void send_after(Self* self, std::chrono::microseconds delay, const Target& target, Ts&&... xs) {
  self->delayed_send(target, delay, std::forward<Ts>(xs)...);
}

template <class Target, class... Ts>
void send_from_outside(const Target& target, Ts&&... xs) {
  caf::anon_send(target, std::forward<Ts>(xs)...);
}

/// Keeps `self` alive when something that it sent was not understood: CAF answers such a message
/// with an error, and an actor that is sent an error ends.
template <class Self>
void outlive_errors(Self* self) {
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
}

/// For messages that are of no use any more: unlike CAF's `drop`, which answers with an error.
template <class T>
auto ignore() {
  return [](const T&) {};
}

/// The scheduler settings that were measured to matter: no 50 µs sleeps per hop, and no actor that
/// keeps a worker for itself.
inline void configure(caf::actor_system_config& config) {
  config.load<caf::io::middleman>();
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-throughput", std::size_t{100});
  config.set("middleman.workers", std::size_t{0});
  // A second one would mostly find that there is no more. A socket that has more is read again
  // behind the others.
  config.set("middleman.max-consecutive-reads", std::size_t{1});
}

}  // namespace troupe::actors
