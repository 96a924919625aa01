#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

using std::chrono::milliseconds;

// Changes of the configuration: what the operator asks for, and what becomes of it.

/// Any set of voters, a few learners beside it, and at times another address: nothing that is in
/// force is looked at, so that all kinds of changes come up, disjoint sets among them.
Configuration Cluster::draw_target() {
  const auto voters = static_cast<unsigned>(fault_dice_.between(150, 800));
  Configuration target;
  for (const Peer& peer : peers_) {
    Member member{.id = peer.id, .name = "p" + std::to_string(peer.id.value)};
    if (fault_dice_.permille(50))
      member.address = "elsewhere";
    if (fault_dice_.permille(voters))
      target.voters.push_back(member);
    else if (fault_dice_.permille(150))
      target.learners.push_back(member);
  }
  return target;
}

void Cluster::strike_change() {
  const auto leader = leader_seat();
  const bool at_leader = leader && !fault_dice_.permille(100);
  const Seat seat = at_leader ? *leader : fault_dice_.below(peers_.size());
  const Duration delay = fault_dice_.between(Duration{0}, milliseconds(5));
  events_.schedule(now_ + delay, ChangeAsked{seat, draw_target()});
  if (!fault_dice_.permille(200))
    return;
  // Somewhere on the way from one configuration to the other.
  if (fault_dice_.coin())
    crash(seat, fault_length());
  else
    isolate(seat);
}

/// Before an entry of its own term is committed: the moment of the flaw of 2015 (§4.1).
void Cluster::ask_elected(const Peer& peer) {
  if (healed_ || !fault_dice_.permille(swarm_.faults.change_when_elected_permille))
    return;
  const Duration delay =
      fault_dice_.between(Duration{0}, milliseconds(fault_dice_.coin() ? 5 : 50));
  events_.schedule(now_ + delay, ChangeAsked{*seat_of(peer.id), draw_target()});
}

void Cluster::on(const ChangeAsked& event) {
  Peer& peer = peers_[event.seat];
  if (!peer.is_up() || healed_)
    return;
  tick(peer);
  const auto entry = peer.engine->change_configuration(event.target);
  note(31, [&] {
    return std::to_string(peer.id.value) + " changes to " + text(event.target) + ": "
           + (entry ? text(*entry) : std::string(name(entry.refusal())));
  });
  if (entry)
    peer.change = {peer.view.hard_state.term, normalized(event.target)};
  else if (entry.refusal() == Refusal::configuration_in_progress)
    marks_.hit(Mark::change_refused);
  stepped(peer);
  after_input(event.seat);
}

void Cluster::judge_change(Peer& peer, const EngineView& now) {
  if (!peer.change)
    return;
  const auto& [term, target] = *peer.change;
  const bool leads = now.role == Role::leader && now.hard_state.term == term;
  if (leads && now.changing)
    return;
  if (leads)
    marks_.hit(now.configuration == target ? Mark::change_done : Mark::change_given_up);
  peer.change.reset();
}

/// Who belongs to the cluster; nobody while that is about to change, or the leader does not
/// belong to it.
std::vector<Seat> Cluster::final_members() const {
  const auto leader = leader_seat();
  if (!leader)
    return {};
  const EngineView& view = peers_[*leader].view;
  if (view.changing || view.configuration_index > view.commit
      || !view.configuration.has_voter(view.self))
    return {};
  std::vector<Seat> members;
  for (const Member& member : view.configuration.members())
    members.push_back(*seat_of(member.id));
  return members;
}

}  // namespace troupe::sim
