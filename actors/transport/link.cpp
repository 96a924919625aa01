#include "actors/transport/link.hpp"

#include "actors/runtime/logger.hpp"
#include "actors/runtime/random_number.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

/// Between two dials of an address that is said to listen: the node that says so may have reasons
/// of its own.
constexpr Duration hurry_interval = std::chrono::milliseconds(20);

/// The pause before dialing again is over.
struct Redial {
  std::uint64_t pause = 0;
};

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
      [this](const Redial& redial) {
        if (redial.pause == pauses_)
          on_redial();
      },
      [this](const NodeHeard&) { hurry(); },
      [this](const ConnectionTurnedAway& away) { on_turned_away(away); },
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
  if (state_ == State::idle)
    start_dialing();
  else if (!fresh)
    hurry();  // A subscriber that asks again has heard from over there.
}

void Link::tell(const caf::actor& who) {
  if (state_ == State::up)
    actors::send(this, who, LinkUp{options_.address, connection_});
  else
    actors::send(this, who, LinkDown{options_.address, turned_away_});
}

void Link::start_dialing() {
  state_ = State::dialing;
  dialed_at_ = clock().now();
  turned_away_.clear();
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

void Link::on_turned_away(const ConnectionTurnedAway& away) {
  if (away.connection != connection_)
    return;
  turned_away_ = away.why.empty() ? "no place" : away.why;
  pause_ = std::max(pause_, options_.turned_away_pause_min);
}

void Link::on_down(const caf::down_msg& down) {
  const auto who = caf::actor_cast<caf::actor>(down.source);
  if (connection_ && who == connection_) {
    connection_ = {};
    lose(turned_away_.empty() ? "connection closed" : turned_away_);
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
  send_after(this, next_pause(), this, Redial{++pauses_});
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

/// The pause may end, as it listens over there.
void Link::hurry() {
  if (state_ != State::pausing || !turned_away_.empty())
    return;
  const auto next = dialed_at_ + hurry_interval - clock().now();
  if (next <= next.zero())
    start_dialing();
  else
    send_after(this, std::chrono::ceil<std::chrono::microseconds>(next), this, Redial{pauses_});
}

Duration Link::next_pause() {
  const auto quarter = static_cast<std::uint64_t>(pause_.count() / 4);
  const Duration jitter{static_cast<Duration::rep>(random_.below(2 * quarter + 1))};
  const Duration pause = pause_ - Duration(quarter) + jitter;
  pause_ = std::min(pause_ * 2,
                    turned_away_.empty() ? options_.pause_max : options_.turned_away_pause_max);
  return pause;
}

}  // namespace troupe::actors
