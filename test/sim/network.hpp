#pragma once

#include "core/message.hpp"
#include "core/types.hpp"
#include "test/sim/dice.hpp"
#include "test/sim/marks.hpp"
#include "test/sim/swarm.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::sim {

/// One direction between two seats.
struct Link {
  std::size_t from = 0;
  std::size_t to = 0;
};

/// When the copies of a message arrive: none, one or two moments.
struct Arrivals {
  std::array<Time, 2> at{};
  std::size_t count = 0;

  bool empty() const { return count == 0; }
  void add(Time time) { at[count++] = time; }
};

/// Decides what becomes of a message. Holds no messages but those on clogged links.
class Network {
public:
  Network(const NetworkSwarm& swarm, std::size_t seats, Dice dice);

  /// Of a message that leaves at `now`. On a clogged link it is kept and arrives with `unclog`.
  Arrivals send(Link link, Time now, const Message& message, Marks& marks);

  /// When a beat that leaves at `now` arrives, if it does.
  std::optional<Time> beat(Link link, Time now, Marks& marks);

  /// Cuts and clogs nest: a link is open again when each has been undone.
  void cut(Link link) { ++at(link).cuts; }
  void mend(Link link) { --at(link).cuts; }
  bool is_cut(Link link) const { return at(link).cuts > 0; }
  void clog(Link link) { ++at(link).clogs; }
  /// What was kept, if nothing clogs the link any more.
  std::vector<Message> unclog(Link link);

  /// Messages take so much longer; negative undoes it.
  void slow(Link link, Duration by) { at(link).slowness += by; }

  /// From now on nothing is lost, repeated or late. Cuts and clogs stay until they are undone.
  void heal();

private:
  struct State {
    int cuts = 0;
    int clogs = 0;
    Time last_arrival{};
    Duration slowness{};
    std::vector<Message> kept{};
  };

  State& at(Link link) { return links_[link.from * seats_ + link.to]; }
  const State& at(Link link) const { return links_[link.from * seats_ + link.to]; }
  Time arrival(State& state, Time now, Marks& marks);

  NetworkSwarm swarm_;
  std::size_t seats_;
  Dice dice_;
  std::vector<State> links_;
};

}  // namespace troupe::sim
