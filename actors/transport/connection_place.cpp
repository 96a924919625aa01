#include "actors/runtime/logger.hpp"
#include "actors/transport/connection.hpp"

#include <utility>

namespace troupe::actors {

/// The side that dials says hello first. The other side does so, too, unless it may have no place
/// left. Then it reads the hello first, to know which client it would turn away.
void Connection::enter() {
  if (options_.slots) {
    const auto verdict =
        options_.slots->enter(caf::actor_cast<caf::actor>(this), options_.source, clock().now());
    used_ = verdict.used;
    give_way(verdict.give_way);
  }
  if (!options_.slots || options_.slots->has_free())
    greet();
}

void Connection::greet() {
  if (std::exchange(greeted_, true))
    return;
  write_frame(wire::encode(options_.hello));
  write_waiting();
}

void Connection::give_way(const std::vector<caf::actor>& others) {
  for (const caf::actor& other : others)
    actors::send(this, other, GiveWay{"another needs the place"});
}

/// Whether the other side says that it is a node of which we know. Anyone can say that; it gets a
/// place among as many as there are nodes, and no more.
bool Connection::is_member() const {
  return options_.registry && !theirs_.address.empty()
         && options_.registry->nodes.contains(theirs_.address);
}

/// Returns why there is no place; empty if there is.
std::string Connection::take_place() {
  if (!options_.slots)
    return {};
  const auto verdict = options_.slots->admit(id(), is_member(), clock().now());
  give_way(verdict.give_way);
  return verdict.refusal;
}

/// Says why before it ends: the other side need not guess, and comes back later.
void Connection::turn_away(const std::string& why) {
  log(LogLevel::warning, "too_many_connections",
      {{"with", who()}, {"source", options_.source}, LogField::own("why", why)});
  on_frame(
      wire::encode(wire::Response{.id = 0, .refusal = Refusal::busy, .detail = why, .body = {}}));
  on_drain();
}

void Connection::on_turned_away(const wire::Response& response) {
  // As urgent as the news of our end, which would overtake it.
  if (options_.opener)
    send<caf::message_priority::high>(
        options_.opener, ConnectionTurnedAway{caf::actor_cast<caf::actor>(this), response.detail});
  close_at_once();
}

/// What one read brings costs as much as a connection anyway.
void Connection::count_half_frame() {
  const std::size_t held = cutter_.held_bytes();
  if (!options_.half_frames)
    return;
  if (held <= wire::FrameCutter::kept_bytes_max) {
    if (std::exchange(half_frame_counts_, false))
      options_.half_frames->release(id());
    return;
  }
  half_frame_counts_ = true;
  const HalfFrames::Holder holder{.connection = caf::actor_cast<caf::actor>(this),
                                  .source = options_.source,
                                  .is_node = is_member()};
  for (const caf::actor& other :
       options_.half_frames->hold(holder, held, cutter_.buffered_bytes(), clock().now()))
    actors::send(this, other, HalfFrameTooMuch{});
}

}  // namespace troupe::actors
