#pragma once

#include "actors/runtime/caf.hpp"
#include "actors/transport/connection.hpp"
#include "actors/transport/dialer.hpp"
#include "actors/transport/messages.hpp"
#include "core/random.hpp"

#include <set>
#include <string>

namespace troupe::actors {

struct LinkOptions {
  std::string address{};  ///< "host:port" to dial.
  wire::Hello hello{};
  /// Gets what the other side answers: `InboundReplies`, `InboundResponse`.
  caf::actor owner{};
  SharedRegistry registry{};  ///< For what peers of the other side send over this connection.
  Overflow overflow = Overflow::drop;
  ConnectionLimits limits{};
  Beats beats{};
  Duration dial_timeout = std::chrono::seconds(1);
  /// The pause before dialing again: doubles with each failure, plus or minus a quarter.
  Duration pause_min = std::chrono::milliseconds(20);
  Duration pause_max = std::chrono::milliseconds(500);
  /// Likewise, where the node over there has no place for us: it must not spend itself on saying
  /// so.
  Duration turned_away_pause_min = std::chrono::milliseconds(500);
  Duration turned_away_pause_max = std::chrono::seconds(8);
};

/// Keeps a connection to one address for as long as anyone subscribes (`WantLink`; a subscriber
/// that ends has unsubscribed).
///
/// A subscriber is told the present state at once, and each change after it: `LinkUp` when hellos
/// are exchanged, `LinkDown` when the connection is lost. While the first attempt is under way
/// there is nothing to tell; if it fails, that is a `LinkDown`. Takes `SharedRegistry` as a
/// connection does. Its exit ends the connection. Spawn with `system.spawn<Link>(options)`.
class Link : public caf::event_based_actor {
public:
  Link(caf::actor_config& config, LinkOptions options);

  caf::behavior make_behavior() override;
  const char* name() const override { return "link"; }
  void on_exit() override;

private:
  enum class State : std::uint8_t {
    idle,  ///< Nobody wants the link, so we do not dial.
    dialing,
    greeting,  ///< There is a socket, and we wait for the other's hello.
    up,
    pausing,  ///< Before dialing again.
  };

  void on_want(const WantLink& want);
  void on_dialed(Dialed& dialed);
  void on_ready(const ConnectionReady& ready);
  void on_down(const caf::down_msg& down);
  void on_turned_away(const ConnectionTurnedAway& away);
  void on_redial();
  void hurry();
  void start_dialing();
  void lose(std::string_view why);
  void tell(const caf::actor& who);
  Duration next_pause();

  LinkOptions options_;
  Random random_;
  State state_ = State::idle;
  bool known_down_ = false;  ///< An attempt failed since the link was last up.
  Duration pause_{};
  std::uint64_t pauses_ = 0;  ///< So far. A timer of an earlier one means nothing.
  caf::actor_clock::time_point dialed_at_{};
  std::string turned_away_{};  ///< Why, the last time.
  caf::actor connection_{};
  Cancelled cancelled_{};  ///< Of the dial under way.
  std::set<caf::actor> subscribers_{};
};

}  // namespace troupe::actors
