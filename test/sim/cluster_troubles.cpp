#include "test/sim/cluster.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace troupe::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

/// A clock jumps by less, but for the one jump of many that goes far.
constexpr Duration jump_max = std::chrono::seconds(1);
constexpr Duration far_jump = std::chrono::hours(24 * 30);

/// How often the one who is to lead again is told to.
constexpr unsigned deposal_tries_max = 20;

/// In how many election timeouts a leader hears that its followers' disks are full; and in how many
/// one on a full disk is replaced, should messages cross.
constexpr int timeouts_to_tell = 2;
constexpr int timeouts_to_leave = 20;

}  // namespace

// Faults that last: of disks, links and clocks; and one that is made of others.

void Cluster::strike_full() {
  const auto leader = leader_seat();
  const bool at_leader = leader && fault_dice_.permille(300);
  const Seat seat = at_leader ? *leader : fault_dice_.below(peers_.size());
  const Duration length = fault_length();
  if (peers_[seat].disk.is_full())
    return;
  note(50, [&] { return "the disk of " + std::to_string(peers_[seat].id.value) + " is full"; });
  peers_[seat].disk.fill();
  // At times nobody finds out before there is room again.
  if (fault_dice_.coin())
    events_.schedule(now_, DiskSpoke{seat, peers_[seat].boot, true});
  events_.schedule(now_ + length, RoomIsMade{seat});
}

void Cluster::on(const DiskSpoke& event) {
  if (peers_[event.seat].view().disk_full != event.full)
    step(event.seat, DiskFull{event.full});
}

void Cluster::on(const RoomIsMade& event) {
  if (!healed_)
    make_room(event.seat);
}

/// It says so.
void Cluster::fill(Seat seat) {
  peers_[seat].disk.fill();
  events_.schedule(now_, DiskSpoke{seat, peers_[seat].boot, true});
}

void Cluster::make_room(Seat seat) {
  Peer& peer = peers_[seat];
  peer.disk.make_room();
  if (!peer.is_up())
    return;
  events_.schedule(now_, DiskSpoke{seat, peer.boot, false});
  if (!peer.disk.idle())
    marks_.hit(Mark::write_waited_for_room);
  work_on(seat);
}

/// A healed cluster takes nothing that only its leader has room for; and where the others have room
/// it does not keep a leader that has none. But for old news that comes late: it may say otherwise.
void Cluster::prove_room() {
  const bool were_full =
      is_whole() && swarm_.faults.full > 0 && swarm_.network.straggler_permille == 0;
  const auto leader = leader_seat();
  if (is_over() || !were_full || !leader || swarm_.spares > 0 || swarm_.peers < 3)
    return;
  spare_full_followers(*leader);
  if (!is_over() && leader_seat() == leader)
    replace_full_leader(*leader);
}

void Cluster::spare_full_followers(Seat leader) {
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    if (seat != leader)
      fill(seat);
  const auto is_replaced = [&] { return leader_seat() != leader; };
  const Time from = std::max(now_, peers_[leader].clock.goes_on_at());
  run_until(from + timeouts_to_tell * swarm_.engine.election_timeout_max, is_replaced);
  if (!is_over() && !is_replaced()) {
    Peer& peer = peers_[leader];
    tick(peer);
    const auto entry = peer.engine->propose(std::vector{Bytes::copy_of("nobody")});
    if (entry)
      fail("peer " + std::to_string(peer.id.value) + " takes a command that its followers cannot");
    else if (entry.refusal() == Refusal::no_space)
      marks_.hit(Mark::full_followers_spared);
    stepped(peer);
    after_input(leader);
  }
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    if (seat != leader)
      make_room(seat);
}

void Cluster::replace_full_leader(Seat leader) {
  fill(leader);
  const auto is_replaced = [&] {
    const auto next = leader_seat();
    return next && *next != leader;
  };
  run_until(now_ + timeouts_to_leave * swarm_.engine.election_timeout_max, is_replaced);
  if (!is_over() && !is_replaced())
    fail("a leader on a full disk leads on, and the others have room");
  marks_.hit(Mark::full_leader_replaced);
  make_room(leader);
}

/// Each direction of some links by itself: answers may be quick where requests are not.
void Cluster::strike_slow() {
  Fault fault;
  for (Seat a = 0; a < peers_.size(); ++a)
    for (Seat b = 0; b < peers_.size(); ++b)
      if (a != b && fault_dice_.permille(300))
        fault.slowed.emplace_back(Link{a, b}, fault_dice_.between(milliseconds(1), slowness_max));
  marks_.hit(Mark::link_slowed);
  begin(std::move(fault));
}

/// Monotonic clocks do not jump, but for machines that are moved or put to sleep; and engines that
/// are driven by something else may see anything.
void Cluster::strike_clock_jump() {
  const Seat seat = fault_dice_.below(peers_.size());
  const bool back = fault_dice_.coin();
  const bool far = !back && fault_dice_.permille(100);
  const Duration by = far ? far_jump : fault_dice_.between(microseconds(1), jump_max);
  Peer& peer = peers_[seat];
  marks_.hit(back ? Mark::clock_jumped_back : Mark::clock_jumped);
  note(51, [&] {
    return "the clock of " + std::to_string(peer.id.value) + " jumps by "
           + std::to_string(back ? -by.count() : by.count()) + "us";
  });
  peer.clock.jump(now_, back ? -by : by);
  if (!peer.is_up() || peer.paused)
    return;
  peer.timer_at = never;  // It was set by what the clock showed before.
  arm_timer(seat);
}

/// The leader and one follower are cut off, and what the follower accepts does not arrive. Another
/// is elected, and the leader loses its tail to it; then it leads again, and hears what it was told
/// terms ago: acceptances of entries that are no more.
void Cluster::strike_depose() {
  const auto leader = leader_seat();
  const Seat follower = fault_dice_.below(peers_.size());
  if (!leader || *leader == follower)
    return;
  Fault fault;
  for (Seat other = 0; other < peers_.size(); ++other)
    for (const Seat cut_off : {*leader, follower})
      if (other != *leader && other != follower) {
        fault.cut.push_back({cut_off, other});
        fault.cut.push_back({other, cut_off});
      }
  begin(std::move(fault));
  Fault clog;
  clog.clogged.push_back({follower, *leader});
  begin(std::move(clog));
  const Duration pause = 2 * swarm_.engine.election_timeout_max;
  events_.schedule(now_ + pause, DeposalGoesOn{*leader, follower});
}

void Cluster::on(const DeposalGoesOn& event) {
  if (healed_ || event.tries >= deposal_tries_max)
    return;
  const auto leader = leader_seat();
  if (leader && *leader == event.leader && event.tries > 0)
    return marks_.hit(Mark::deposed_led_again);
  if (leader && *leader != event.leader)
    events_.schedule(now_, TransferAsked{*leader, peers_[event.leader].id});
  const Duration pause = swarm_.engine.election_timeout_min;
  events_.schedule(now_ + pause, DeposalGoesOn{event.leader, event.follower, event.tries + 1});
}

}  // namespace troupe::sim
