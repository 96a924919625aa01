#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

using std::chrono::milliseconds;

namespace {

/// Of the dice of disks that take the place of others, by the ids of their peers.
constexpr std::uint64_t rebuilt_disk_part = 2000;

/// How long operators take to look at a store, and between two looks at a cluster.
constexpr Duration inspection_max = milliseconds(500);
constexpr Duration look_again_after = milliseconds(50);

/// Of fewer peers none can be lost.
constexpr std::size_t peers_min = 3;

}  // namespace

// What rots on a disk, and the operator who has another peer take the place of who sat there. A
// store that finds an entry damaged does not open: a shorter log could elect a leader without what
// was committed (§3.6.1).

/// One at a time: what is committed is on a majority, and so is still on somebody else's disk. Not
/// before the founding is: who founds a cluster and then loses its disk founds none.
void Cluster::strike_rot() {
  const auto leader = leader_seat();
  const Seat seat = fault_dice_.below(peers_.size());
  Peer& peer = peers_[seat];
  const auto& entries = peer.disk.durable().entries;
  const bool in_order =
      std::ranges::none_of(peers_, [](const Peer& p) { return p.rotten.has_value(); });
  if (peers_.size() < peers_min || given_up_ || copy_ || !in_order || !leader || entries.empty()
      || !peers_[*leader].view().configuration.has_voter(peer.id)
      || peers_[*leader].view().commit == Index{})
    return;
  peer.rotten = entries[fault_dice_.below(entries.size())].id;
  note(60, [&] { return text(*peer.rotten) + " rots at " + std::to_string(peer.id.value); });
  crash(seat, fault_length());
}

bool Cluster::refuses_to_open(Seat seat) {
  const Peer& peer = peers_[seat];
  if (!peer.rotten || given_up_)
    return peer.rotten.has_value();
  note(61, [&] {
    return "the store of " + std::to_string(peer.id.value) + " does not open: damaged at "
           + text(*peer.rotten);
  });
  marks_.hit(Mark::store_refused_to_open);
  given_up_ = peer.id;
  events_.schedule(now_ + fault_dice_.between(milliseconds(1), inspection_max), RebuildDue{seat});
  return true;
}

/// Under a new id: what the old one promised is on a disk that nobody can read.
void Cluster::on(const RebuildDue& event) {
  Peer& peer = peers_[event.seat];
  const PeerId gone = peer.id;
  gone_.insert(gone);
  const PeerId id{peers_.size() + gone_.size()};
  peer = {.id = id,
          .disk = Disk(swarm_.disk, Dice(swarm_.seed, rebuilt_disk_part + id.value)),
          .boot = peer.boot};
  if (healed_)
    peer.disk.heal();
  note(62,
       [&] { return std::to_string(id.value) + " is to replace " + std::to_string(gone.value); });
  events_.schedule(now_, PeerStarts{event.seat});
  events_.schedule(now_, ReplacementAsked{event.seat, gone});
}

/// Asks the leader until it is done.
void Cluster::on(const ReplacementAsked& event) {
  const PeerId id = peers_[event.seat].id;
  const auto leader = leader_seat();
  const EngineView* view = leader ? &peers_[*leader].view() : nullptr;
  const bool settled =
      view != nullptr && !view->changing && view->configuration_index <= view->commit;
  if (settled && view->configuration.has_voter(id) && !view->configuration.has_member(event.gone)) {
    marks_.hit(Mark::peer_rebuilt);
    return given_up_.reset();
  }
  events_.schedule(now_ + look_again_after, ReplacementAsked{event});
  if (!settled || peers_[*leader].paused)
    return;
  Configuration target = view->configuration;
  for (auto* set : {&target.voters, &target.learners})
    std::erase_if(*set,
                  [&](const Member& member) { return member.id == event.gone || member.id == id; });
  target.voters.push_back({.id = id, .name = "p" + std::to_string(id.value)});
  tick(peers_[*leader]);
  (void)peers_[*leader].engine->change_configuration(target);
  stepped(peers_[*leader]);
  after_input(*leader);
}

}  // namespace troupe::sim
