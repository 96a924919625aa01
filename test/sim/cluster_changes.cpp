#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

using std::chrono::milliseconds;

namespace {

/// Of three voters one may be dead, and the others still decide.
constexpr std::uint32_t burial_voters = 3;

/// How long it may take until a policy is in force, a voter dead, and another one votes for it.
constexpr Duration substitution_max = std::chrono::seconds(20);

}  // namespace

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
    else if (swarm_.standby_permille > 0 && fault_dice_.permille(swarm_.standby_permille))
      target.standbys.push_back(member);
  }
  if (swarm_.policy_permille > 0 && fault_dice_.permille(swarm_.policy_permille))
    target.keep = draw_policy(static_cast<std::uint32_t>(fault_dice_.between(1, 5)));
  return target;
}

VoterPolicy Cluster::draw_policy(std::uint32_t count) {
  return {.count = count,
          .after = fault_dice_.between(swarm_.engine.election_timeout_max, swarm_.keep_after_max)};
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
    peer.change = {peer.view().hard_state.term, normalized(event.target)};
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

/// The members of the cluster; none while they are about to change, or the leader is not one of
/// them.
std::vector<Seat> Cluster::final_members() const {
  const auto leader = leader_seat();
  if (!leader)
    return {};
  const EngineView& view = peers_[*leader].view();
  if (view.changing || view.configuration_index > view.commit
      || !view.configuration.has_voter(view.self))
    return {};
  std::vector<Seat> members;
  for (const Member& member : view.configuration.members()) {
    const auto seat = seat_of(member.id);
    if (!seat)
      return {};  // Another is to take its place.
    if (view.configuration.keeps_log(member.id))
      members.push_back(*seat);
  }
  return members;
}

/// The leader and two others are to vote, and who is left stands by or listens.
Configuration Cluster::draw_policed(Seat leader) {
  Configuration target;
  for (Seat seat = 0; seat < peers_.size(); ++seat) {
    const PeerId id = peers_[seat].id;
    const Member member{.id = id, .name = "p" + std::to_string(id.value)};
    const std::size_t others = target.voters.size() + (seat < leader ? 1 : 0);
    if (seat == leader || others < burial_voters)
      target.voters.push_back(member);
    else
      (fault_dice_.permille(300) ? target.learners : target.standbys).push_back(member);
  }
  target.keep = draw_policy(burial_voters);
  return target;
}

/// Asks for a policy until it is in force, and buries a voter then.
void Cluster::on(const BurialPlanned&) {
  events_.schedule(now_ + milliseconds(50), BurialPlanned{});
  const auto leader = leader_seat();
  if (buried_ || !leader)
    return;
  const EngineView view = peers_[*leader].view();
  if (view.changing || view.configuration_index > view.commit)
    return;
  if (policed_ && view.configuration == *policed_) {
    const auto& voters = view.configuration.voters;
    buried_ = seat_of(voters[fault_dice_.below(voters.size())].id);
    note(32, [&] { return "bury " + std::to_string(peers_[*buried_].id.value); });
    return crash(*buried_, Duration{0});
  }
  policed_ = normalized(draw_policed(*leader));
  tick(peers_[*leader]);
  (void)peers_[*leader].engine->change_configuration(*policed_);
  stepped(peers_[*leader]);
  after_input(*leader);
}

/// Another votes in the place of the dead one.
bool Cluster::has_substitute() const {
  const auto leader = leader_seat();
  if (!buried_ || !leader)
    return false;
  const EngineView& view = peers_[*leader].view();
  return !view.changing && view.configuration_index <= view.commit
         && view.configuration.voters.size() == burial_voters
         && !view.configuration.has_voter(peers_[*buried_].id);
}

/// A cluster that keeps a number of voters gets back to it when one of them dies for good.
void Cluster::bury_a_voter() {
  if (violation_ || !swarm_.buries || peers_.size() <= burial_voters)
    return;
  events_.schedule(now_, BurialPlanned{});
  run_until(now_ + substitution_max, [this] { return has_substitute(); });
  if (!violation_ && !has_substitute())
    return fail("nobody takes the place of a voter that is gone");
  if (violation_)
    return;
  const auto& voters = peers_[*leader_seat()].view().configuration.voters;
  const auto stood_by = [this](const Member& voter) {
    return std::ranges::find(policed_->standbys, voter.id, &Member::id) != policed_->standbys.end();
  };
  marks_.hit(std::ranges::any_of(voters, stood_by) ? Mark::standby_took_over
                                                   : Mark::learner_took_over);
}

}  // namespace troupe::sim
