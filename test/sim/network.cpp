#include "test/sim/network.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

Network::Network(const NetworkSwarm& swarm, std::size_t seats, Dice dice)
    : swarm_(swarm), seats_(seats), dice_(dice), links_(seats * seats) {}

Time Network::arrival(State& state, Time now, Marks& marks) {
  Time at = now + dice_.skewed(swarm_.delay_min, swarm_.delay_spread) + state.slowness;
  if (dice_.permille(swarm_.straggler_permille))
    at += dice_.between(Duration{0}, swarm_.straggler_max);
  else if (swarm_.in_order)
    at = std::max(at, state.last_arrival);
  if (at < state.last_arrival)
    marks.hit(Mark::message_overtaken);
  state.last_arrival = std::max(state.last_arrival, at);
  return at;
}

Arrivals Network::send(Link link, Time now, const Message& message, Marks& marks) {
  State& state = at(link);
  if (state.cuts > 0 || dice_.permille(swarm_.loss_permille)) {
    marks.hit(Mark::message_lost);
    return {};
  }
  if (state.clogs > 0) {
    marks.hit(Mark::clogged);
    state.kept.push_back(message);
    return {};
  }
  Arrivals arrivals;
  arrivals.add(arrival(state, now, marks));
  if (dice_.permille(swarm_.duplicate_permille)) {
    marks.hit(Mark::message_duplicated);
    arrivals.add(arrival(state, now, marks));
  }
  return arrivals;
}

std::optional<Time> Network::beat(Link link, Time now, Marks& marks) {
  State& state = at(link);
  if (state.cuts > 0 || state.clogs > 0 || dice_.permille(swarm_.loss_permille))
    return std::nullopt;
  return arrival(state, now, marks);
}

std::vector<Message> Network::unclog(Link link) {
  State& state = at(link);
  --state.clogs;
  return state.clogs > 0 ? std::vector<Message>{} : std::exchange(state.kept, {});
}

void Network::heal() {
  swarm_ = {.delay_min = std::chrono::microseconds(100),
            .delay_spread = std::chrono::microseconds(400)};
}

}  // namespace troupe::sim
