#pragma once

#include "core/engine.hpp"
#include "core/message.hpp"
#include "core/output.hpp"
#include "test/sim/explorer/rules.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::sim {

/// How often something may happen on the way from the beginning.
struct Budget {
  unsigned campaigns = 0;
  unsigned proposals = 0;
  unsigned changes = 0;
  unsigned crashes = 0;
  unsigned stalls = 0;
  unsigned heartbeats = 0;
};

/// A small cluster, and what may happen to it.
struct Scenario {
  std::string_view name{};
  std::string_view about{};
  unsigned peers = 3;
  unsigned voters = 3;  ///< The first of them; the others are empty.
  unsigned depth = 8;   ///< What tests explore.
  Budget budget{};
  unsigned commands = 1;         ///< In one proposal.
  std::size_t append_bytes = 1;  ///< In one message; 1: an entry at a time.
  /// A request may arrive and its answer not, or later. Else they come together, or neither does.
  bool lone_answers = false;
  bool late_messages = false;  ///< What was overtaken, or is of an older term, may still come.
  std::vector<std::vector<std::uint64_t>> targets{};  ///< Voters that may be changed to.
};

/// One thing that happens.
struct Action {
  enum class Kind : std::uint8_t {
    call,      ///< The message at `place` of a link arrives, and its answer at once.
    deliver,   ///< The same, but its answer is on its way.
    campaign,  ///< `peer` hears no leader, nor its followers, and asks to be elected.
    propose,
    change,   ///< To the target number `place`.
    crash,    ///< `peer` loses what its disk has not; it starts again at once.
    stall,    ///< The disk of `peer` finishes nothing from here on...
    persist,  ///< ...but this one write; when it has no other it stalls no more.
    heartbeat,
  };

  Kind kind = Kind::call;
  std::uint8_t peer = 0;  ///< Its place from 0; of a message, the sender's.
  std::uint8_t to = 0;
  std::uint8_t place = 0;
};

/// A cluster at one moment. Cheap to copy: what an action leaves as it was is shared.
class World {
public:
  /// Peer 1 leads the others, and they agree on all.
  explicit World(const Scenario& scenario);

  /// Everything that can happen next.
  std::vector<Action> actions() const;
  void perform(const Action& action);

  const std::optional<std::string>& violation() const { return rules_->violation(); }
  /// Equal digests, equal futures.
  std::uint64_t digest() const;
  /// What `action` would do here, in a line.
  std::string describe(const Action& action) const;
  /// Each peer in a line.
  std::string describe() const;

private:
  struct Seated {
    PeerId id{};
    unsigned life = 1;
    Engine engine;
    Recovered disk{};
    std::deque<Write> writing{};
    bool stalls = false;
    Time now{};
    std::uint64_t digest = 0;
  };
  struct Sent {
    Message message{};
    std::uint64_t digest = 0;
  };
  /// Messages from one peer to another, oldest first. One more pushes out the oldest: it is lost.
  static constexpr std::size_t link_messages_max = 2;
  using Link = std::array<std::shared_ptr<const Sent>, link_messages_max>;

  Link& link(std::size_t from, std::size_t to) { return links_[from * peers_.size() + to]; }
  const Link& link(std::size_t from, std::size_t to) const {
    return links_[from * peers_.size() + to];
  }
  Engine start(std::size_t peer, const Recovered& disk) const;
  void begin();
  void add_actions_of(std::size_t peer, std::vector<Action>& actions) const;
  void deliver(std::size_t from, std::size_t to, std::size_t place, bool answered);
  void receive(std::size_t peer, const Message& message);
  void campaign(std::size_t peer);
  void beat(std::size_t peer);
  void crash(std::size_t peer);
  void send(const Message& message);
  void forget_older_terms(std::size_t to);
  template <class Happening>
  void turn(std::size_t peer, const Happening& happening);
  void perform_output(Seated& peer, std::vector<Message>& messages);
  void watch_leader(const Seated& peer);
  void finish_write(Seated& peer);
  Rules& rules();

  const Scenario* scenario_;
  Budget left_{};
  std::vector<std::shared_ptr<const Seated>> peers_{};
  std::vector<Link> links_{};
  std::shared_ptr<const Rules> rules_{};
};

}  // namespace troupe::sim
