#include "actors/transport/connection.hpp"
#include "actors/transport/messages.hpp"

#include <utility>

namespace troupe::actors {

/// Whether it is ours to say that this node is alive.
bool Connection::beats() const {
  return options_.direction == Direction::outgoing && options_.beats.interval > Duration::zero()
         && options_.registry;
}

/// Whether a node is at the other end that goes on to be heard: it has said so with a beat. Who
/// only asks something and goes does not.
bool Connection::watches() const {
  return options_.direction == Direction::incoming && options_.beats.interval > Duration::zero()
         && ended_heard_ != 0;
}

/// The first beat stands before all that peers say: by it the other side knows which of them ended
/// later.
void Connection::start_beats() {
  if (!beats())
    return;
  write_beat();
  send_after(this, options_.beats.interval, this, Beat{});
}

void Connection::on_beat() {
  if (state_ != State::open)
    return;
  send_after(this, options_.beats.interval, this, Beat{});
  if (watches())
    look_for_silence();
  else if (beats() && (!std::exchange(spoke_, false) || is_ended_news()))
    write_beat();
}

bool Connection::is_ended_news() const {
  return options_.registry->ended + 1 != ended_told_;
}

/// Behind what the socket has not taken yet a beat would say nothing in time.
void Connection::write_beat() {
  if (unwritten_bytes_ != waiting_bytes_)
    return;
  ended_told_ = options_.registry->ended + 1;
  write_frame(wire::encode(wire::PeerMessages{.messages = {}, .ended = ended_told_}));
  spoke_ = false;
}

void Connection::hear_beat(std::uint64_t ended) {
  const bool watched = watches();
  const std::uint64_t before = std::exchange(ended_heard_, ended);
  is_doubtful_ = is_doubtful_ || (watched && before != ended);
  if (watched || !watches())
    return;
  actors::send(this, options_.owner, NodeHeard{theirs_.address});
  send_after(this, options_.beats.interval, this, Beat{});
}

/// Beats are counted rather than time: when this process stood still, what came meanwhile is read
/// before the next beat. Where we do not read, the silence is ours.
void Connection::look_for_silence() {
  if (std::exchange(heard_, false) || is_paused_)
    missed_ = 0;
  else if (++missed_ == options_.beats.missed_max)
    doubt();
}

void Connection::doubt() {
  actors::send(this, options_.owner, NodeInDoubt{theirs_.address});
}

}  // namespace troupe::actors
