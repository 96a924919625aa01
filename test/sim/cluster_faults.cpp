#include "test/sim/cluster.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace troupe::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::vector<Cluster::Choice> Cluster::choices() const {
  const FaultSwarm& faults = swarm_.faults;
  return {{faults.crash, &Cluster::strike_crash},
          {faults.crash_leader, &Cluster::strike_crash_leader},
          {faults.power_cut, &Cluster::strike_power_cut},
          {faults.pause, &Cluster::strike_pause},
          {faults.isolate, &Cluster::strike_isolate},
          {faults.isolate_leader, &Cluster::strike_isolate_leader},
          {faults.split, &Cluster::strike_split},
          {faults.one_way, &Cluster::strike_one_way},
          {faults.bridge, &Cluster::strike_bridge},
          {faults.clog, &Cluster::strike_clog},
          {faults.transfer, &Cluster::strike_transfer},
          {faults.clock_rate, &Cluster::strike_clock_rate},
          {faults.change, &Cluster::strike_change},
          {faults.forget, &Cluster::strike_forget},
          {faults.snapshot, &Cluster::strike_snapshot},
          {faults.damage, &Cluster::strike_damage},
          {faults.full, &Cluster::strike_full},
          {faults.slow, &Cluster::strike_slow},
          {faults.depose, &Cluster::strike_depose},
          {faults.clock_jump, &Cluster::strike_clock_jump},
          {faults.rot, &Cluster::strike_rot},
          {faults.set_back, &Cluster::strike_set_back}};
}

void Cluster::on(const FaultStrikes&) {
  if (healed_)
    return;
  const auto pause = fault_dice_.between(microseconds(1), 2 * swarm_.faults.pause_between);
  events_.schedule(now_ + pause, FaultStrikes{});
  const std::vector<Choice> all = choices();
  const unsigned sum = std::accumulate(
      all.begin(), all.end(), 0U, [](unsigned total, const Choice& c) { return total + c.weight; });
  if (sum == 0)
    return;
  auto left = static_cast<unsigned>(fault_dice_.below(sum));
  for (const Choice& choice : all) {
    if (left < choice.weight)
      return (this->*choice.strike)();
    left -= choice.weight;
  }
}

Duration Cluster::fault_length() {
  return fault_dice_.between(microseconds(100), swarm_.faults.length_max);
}

std::optional<Seat> Cluster::leader_seat() const {
  std::optional<Seat> found;
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    if (peers_[seat].leads()
        && (!found || peers_[seat].view().hard_state.term > peers_[*found].view().hard_state.term))
      found = seat;
  return found;
}

void Cluster::strike_crash() {
  crash(fault_dice_.below(peers_.size()), fault_length());
}

void Cluster::strike_crash_leader() {
  if (const auto seat = leader_seat())
    crash(*seat, fault_length());
}

void Cluster::strike_power_cut() {
  marks_.hit(Mark::power_cut);
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    crash(seat, fault_length());
}

void Cluster::strike_pause() {
  const auto leader = leader_seat();
  const bool at_leader = leader && fault_dice_.coin();
  pause(at_leader ? *leader : fault_dice_.below(peers_.size()), fault_length());
}

void Cluster::isolate(Seat seat) {
  Fault fault;
  for (Seat other = 0; other < peers_.size(); ++other) {
    if (other == seat)
      continue;
    fault.cut.push_back({seat, other});
    fault.cut.push_back({other, seat});
  }
  begin(std::move(fault));
}

void Cluster::strike_isolate() {
  isolate(fault_dice_.below(peers_.size()));
}

void Cluster::strike_isolate_leader() {
  if (const auto seat = leader_seat())
    isolate(*seat);
}

/// Two sides that do not hear each other.
void Cluster::strike_split() {
  std::vector<bool> side;
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    side.push_back(fault_dice_.coin());
  Fault fault;
  for (Seat a = 0; a < peers_.size(); ++a)
    for (Seat b = 0; b < peers_.size(); ++b)
      if (side[a] != side[b])
        fault.cut.push_back({a, b});
  begin(std::move(fault));
}

/// One peer speaks and does not hear, or hears and cannot speak, to some or all of the others.
void Cluster::strike_one_way() {
  marks_.hit(Mark::one_way_cut);
  const Seat seat = fault_dice_.below(peers_.size());
  const bool mute = fault_dice_.coin();
  const bool to_all = fault_dice_.coin();
  Fault fault;
  for (Seat other = 0; other < peers_.size(); ++other)
    if (other != seat && (to_all || fault_dice_.coin()))
      fault.cut.push_back(mute ? Link{seat, other} : Link{other, seat});
  begin(std::move(fault));
}

/// All hear one peer, and some do not hear each other.
void Cluster::strike_bridge() {
  const Seat bridge = fault_dice_.below(peers_.size());
  Fault fault;
  for (Seat a = 0; a < peers_.size(); ++a)
    for (Seat b = a + 1; b < peers_.size(); ++b)
      if (a != bridge && b != bridge && fault_dice_.permille(700)) {
        fault.cut.push_back({a, b});
        fault.cut.push_back({b, a});
      }
  begin(std::move(fault));
}

/// Messages are kept somewhere on the way, and arrive all at once.
void Cluster::strike_clog() {
  Fault fault;
  for (Seat a = 0; a < peers_.size(); ++a)
    for (Seat b = 0; b < peers_.size(); ++b)
      if (a != b && fault_dice_.permille(400))
        fault.clogged.push_back({a, b});
  begin(std::move(fault));
}

void Cluster::strike_transfer() {
  const auto leader = leader_seat();
  const Seat seat = leader ? *leader : fault_dice_.below(peers_.size());
  const PeerId to{fault_dice_.below(peers_.size() + 1)};
  events_.schedule(now_, TransferAsked{seat, to});
  if (fault_dice_.coin())
    crash(fault_dice_.below(peers_.size()), fault_length());
}

void Cluster::strike_clock_rate() {
  const auto rate = static_cast<std::int64_t>(
      fault_dice_.between(clock_fault_min_permille, clock_fault_max_permille));
  peers_[fault_dice_.below(peers_.size())].clock.set_rate(now_, rate);
}

/// A peer that the leader counts on for its lease starts again, and knows of no promise.
void Cluster::strike_forget() {
  const auto leader = leader_seat();
  const Seat seat = fault_dice_.below(peers_.size());
  const Duration away = fault_dice_.between(microseconds(100), milliseconds(20));
  if (!leader || *leader == seat)
    return;
  isolate(*leader);
  crash(seat, away);
}

void Cluster::begin(Fault fault) {
  note(30, [&] {
    return "fault " + std::to_string(faults_.size()) + " cuts " + std::to_string(fault.cut.size())
           + " and clogs " + std::to_string(fault.clogged.size()) + " and slows "
           + std::to_string(fault.slowed.size());
  });
  for (const Link link : fault.cut) {
    network_.cut(link);
    if (swarm_.network.tells_disconnects)
      events_.schedule(now_ + milliseconds(1), ConnectionBreaks{link.to, peers_[link.from].id});
  }
  for (const Link link : fault.clogged)
    network_.clog(link);
  for (const auto& [link, by] : fault.slowed)
    network_.slow(link, by);
  events_.schedule(now_ + fault_length(), FaultEnds{faults_.size()});
  faults_.push_back(std::move(fault));
}

void Cluster::on(const FaultEnds& event) {
  end(faults_[event.fault]);
}

void Cluster::end(Fault& fault) {
  for (const auto& [link, by] : std::exchange(fault.slowed, {}))
    network_.slow(link, -by);
  for (const Link link : std::exchange(fault.cut, {}))
    network_.mend(link);
  for (const Link link : std::exchange(fault.clogged, {}))
    for (Message& message : network_.unclog(link))
      events_.schedule(now_ + fault_dice_.between(Duration{0}, milliseconds(5)),
                       MessageArrives{link.to, std::move(message), life_of(link.from)});
}

}  // namespace troupe::sim
