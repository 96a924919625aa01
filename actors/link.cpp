#include "actors/link.hpp"

#include "actors/logger.hpp"
#include "actors/random_number.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

/// The pause before dialing again is over.
struct Redial {};

}  // namespace

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Redial)

namespace troupe::actors {

Link::Link(caf::actor_config& config, LinkOptions options)
    : caf::event_based_actor(config),
      options_(std::move(options)),
      random_(random_number()),
      pause_(options_.pause_min) {}

caf::behavior Link::make_behavior() {
  outlive_errors(this);
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  return {
      [this](const WantLink& want) { on_want(want); },
      [this](Dialed& dialed) { on_dialed(dialed); },
      [this](const ConnectionReady& ready) { on_ready(ready); },
      [this](const Redial&) { on_redial(); },
      [this](const NodeHeard&) { on_redial(); },
      [this](const SharedRegistry& registry) {
        options_.registry = registry;
        if (connection_)
          actors::send(this, connection_, registry);
      },
  };
}

void Link::on_exit() {
  if (cancelled_)
    *cancelled_ = true;
  if (connection_)
    send_exit(connection_, caf::exit_reason::user_shutdown);
  connection_ = {};
  options_.owner = {};
  options_.registry.reset();
  subscribers_.clear();
}

void Link::on_want(const WantLink& want) {
  const bool fresh = subscribers_.insert(want.subscriber).second;
  if (fresh)
    monitor(want.subscriber);
  else
    known_down_ = false;  // It waits, and must hear of it if that is in vain.
  if (state_ == State::up || (fresh && known_down_))
    tell(want.subscriber);
  // Who asks again has heard from over there: the pause may end.
  if (state_ == State::idle || (!fresh && state_ == State::pausing))
    start_dialing();
}

void Link::tell(const caf::actor& who) {
  if (state_ == State::up)
    actors::send(this, who, LinkUp{options_.address, connection_});
  else
    actors::send(this, who, LinkDown{options_.address});
}

void Link::start_dialing() {
  state_ = State::dialing;
  cancelled_ = std::make_shared<std::atomic<bool>>(false);
  system().spawn<Dialer, caf::detached>(DialOptions{.address = options_.address,
                                                    .timeout = options_.dial_timeout,
                                                    .requester = caf::actor_cast<caf::actor>(this),
                                                    .cancelled = cancelled_});
}

void Link::on_dialed(Dialed& dialed) {
  cancelled_.reset();
  if (!dialed.socket)
    return lose(dialed.error);
  state_ = State::greeting;
  connection_ = spawn_connection(system(),
                                 {.direction = Direction::outgoing,
                                  .address = options_.address,
                                  .hello = options_.hello,
                                  .owner = options_.owner,
                                  .registry = options_.registry,
                                  .opener = caf::actor_cast<caf::actor>(this),
                                  .overflow = options_.overflow,
                                  .limits = options_.limits,
                                  .beats = options_.beats},
                                 std::move(dialed.socket));
  monitor(connection_);
}

void Link::on_ready(const ConnectionReady& ready) {
  if (ready.connection != connection_)
    return;
  state_ = State::up;
  known_down_ = false;
  pause_ = options_.pause_min;
  log(LogLevel::debug, "link_up", {{"address", options_.address}});
  for (const caf::actor& who : subscribers_)
    tell(who);
}

void Link::on_down(const caf::down_msg& down) {
  const auto who = caf::actor_cast<caf::actor>(down.source);
  if (connection_ && who == connection_) {
    connection_ = {};
    lose("connection closed");
  } else {
    subscribers_.erase(who);
  }
}

void Link::lose(std::string_view why) {
  const bool news = !known_down_;
  known_down_ = true;
  if (news)
    log(LogLevel::debug, "link_down", {{"address", options_.address}, {"why", why}});
  state_ = State::pausing;
  send_after(this, next_pause(), this, Redial{});
  if (!news)
    return;
  for (const caf::actor& who : subscribers_)
    tell(who);
}

void Link::on_redial() {
  if (state_ != State::pausing)
    return;
  if (subscribers_.empty())
    state_ = State::idle;
  else
    start_dialing();
}

Duration Link::next_pause() {
  const auto quarter = static_cast<std::uint64_t>(pause_.count() / 4);
  const Duration jitter{static_cast<Duration::rep>(random_.below(2 * quarter + 1))};
  const Duration pause = pause_ - Duration(quarter) + jitter;
  pause_ = std::min(pause_ * 2, options_.pause_max);
  return pause;
}

}  // namespace troupe::actors
