#include "test/sim/cluster.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

using std::chrono::milliseconds;

namespace {

/// How long a copy lies somewhere before a disk is set back to it.
constexpr Duration copy_age_max = std::chrono::seconds(2);
/// How long it takes to put it in place, and how often operators look.
constexpr Duration away_max = milliseconds(300);
constexpr Duration look_after = milliseconds(50);
/// Of fewer peers none can be lost.
constexpr std::size_t peers_min = 3;

}  // namespace

// Disks that are set back: somebody copies one while its peer runs, and puts the copy in its place
// later. An operator who sees in a leader's status that this happened has another peer take the
// place of who sits there. One disk at a time: with a majority set back anything may be lost.

void Cluster::strike_set_back() {
  const Seat seat = fault_dice_.below(peers_.size());
  const Peer& peer = peers_[seat];
  const Recovered& disk = peer.disk.durable();
  const bool in_order =
      std::ranges::none_of(peers_, [](const Peer& p) { return p.rotten.has_value(); });
  if (peers_.size() < peers_min || copy_ || given_up_ || !in_order || disk.entries.empty()
      || disk.hard_state.term == Term{} || checker_.last_committed() == Index{})
    return;
  note(70, [&] { return "the disk of " + std::to_string(peer.id.value) + " is copied"; });
  copy_ = {.seat = seat, .peer = peer.id, .disk = disk, .snapshots = peer.snapshots};
  checker_.copied(peer.id);
  events_.schedule(now_ + fault_dice_.between(milliseconds(1), copy_age_max), SetBackDue{});
}

/// Only where it can show: the leader of the moment has heard of what is to be forgotten.
void Cluster::on(const SetBackDue&) {
  Peer& peer = peers_[copy_->seat];
  const auto leader = leader_seat();
  const Index last = copy_->disk.entries.back().id.index;
  const auto shows = [&] {
    const auto& followers = peers_[*leader].view().followers;
    const auto it = followers.find(peer.id);
    return it != followers.end() && it->second.match > last
           && peers_[*leader].view().hard_state.term == peer.view().hard_state.term;
  };
  if (healed_ || peer.id != copy_->peer || !peer.is_up() || !leader || *leader == copy_->seat
      || !shows())
    return copy_.reset();
  note(71, [&] { return "the disk of " + std::to_string(peer.id.value) + " is set back"; });
  marks_.hit(Mark::disk_set_back);
  crash(copy_->seat, fault_dice_.between(Duration{0}, away_max));
  peer.disk.set_back(copy_->disk);
  peer.snapshots = copy_->snapshots;
  copy_->restored = true;
  checker_.set_back(peer.id);
  events_.schedule(now_ + look_after, SetBackLooked{});
}

void Cluster::tell_set_back(const Peer& peer, const std::vector<SetBack>& found) {
  for (const SetBack& each : found) {
    note(72, [&] {
      return "  " + std::to_string(peer.id.value) + " finds that the disk of "
             + std::to_string(each.peer.value) + " was set back: it acknowledged "
             + std::to_string(each.acknowledged.value) + " and ends at "
             + std::to_string(each.last.value);
    });
    marks_.hit(each.peer == peer.id ? Mark::set_back_found_by_itself
                                    : Mark::set_back_found_by_leader);
  }
}

void Cluster::on(const SetBackLooked&) {
  if (!copy_)
    return;
  const auto leader = leader_seat();
  const auto& followers = leader ? peers_[*leader].view().followers : PeerMap<FollowerView>{};
  const auto it = followers.find(copy_->peer);
  if (it == followers.end() || !it->second.set_back)
    return events_.schedule(now_ + look_after, SetBackLooked{});
  const Seat seat = copy_->seat;
  marks_.hit(Mark::set_back_peer_replaced);
  given_up_ = copy_->peer;
  copy_.reset();
  crash(seat, Duration{0});
  on(RebuildDue{seat});
}

}  // namespace troupe::sim
