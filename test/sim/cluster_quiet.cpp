#include "test/sim/cluster.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace troupe::sim {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// How long a cluster that nobody asks for anything may take to fall quiet.
constexpr Duration falling_quiet_max = seconds(10);
/// In how many election timeouts the leader of a quiet cluster is replaced, when it is gone; a few
/// candidates may split the votes first.
constexpr int timeouts_to_replace = 20;

}  // namespace

// Nodes watch each other, so that peers that are quiet need not: each tells the others from time to
// time that it is alive, and each tells its peer of others that are not heard, or on which a peer
// has ended. A node may outlive its peer. Beats get lost like messages, and each message is one.

void Cluster::start_watching() {
  if (!has_quiet())
    return;
  for (Seat seat = 0; seat < peers_.size(); ++seat) {
    nodes_.push_back({.missed = std::vector<unsigned>(peers_.size()),
                      .lives = std::vector<std::uint64_t>(peers_.size())});
    events_.schedule(quiet_dice_.between(microseconds(1), swarm_.engine.heartbeat_interval),
                     NodeBeats{seat});
  }
}

void Cluster::on(const NodeBeats& event) {
  const auto pause =
      swarm_.engine.heartbeat_interval + quiet_dice_.between(Duration{0}, milliseconds(1));
  events_.schedule(now_ + pause, NodeBeats{event.seat});
  Node& node = nodes_[event.seat];
  if (!peers_[event.seat].is_up() && !node.outlives)
    return;
  for (Seat other = 0; other < peers_.size(); ++other) {
    if (other == event.seat)
      continue;
    if (const auto at = network_.beat({event.seat, other}, now_, marks_))
      events_.schedule(*at, BeatArrives{other, event.seat, node.life});
    if (++node.missed[other] == swarm_.silent_beats)
      doubt(event.seat, other);
  }
}

void Cluster::on(const BeatArrives& event) {
  hear_node(event.seat, event.from, event.life);
}

/// Something came from a node that has lost so many peers. It is always looked at behind what came.
void Cluster::hear_node(Seat seat, Seat from, std::uint64_t life) {
  if (!has_quiet())
    return;
  Node& node = nodes_[seat];
  node.missed[from] = 0;
  if (std::exchange(node.lives[from], life) != life)
    doubt(seat, from);
}

void Cluster::doubt(Seat seat, Seat other) {
  if (!peers_[seat].is_up())
    return;
  const bool slept = peers_[seat].view().quiet;
  step(seat, Silent{peers_[other].id});
  if (given_up_ && peers_[seat].is_up())  // It may have led from there.
    step(seat, Silent{*given_up_});
  if (slept && !peers_[seat].view().quiet)
    marks_.hit(Mark::woken_by_silence);
}

/// The process of a peer is gone, or the peer alone.
void Cluster::end_life(Seat seat) {
  if (!has_quiet())
    return;
  Node& node = nodes_[seat];
  ++node.life;
  node.outlives = quiet_dice_.permille(swarm_.node_outlives_permille);
  node.missed.assign(peers_.size(), 0);
  if (node.outlives || !swarm_.network.tells_disconnects)
    return;
  for (Seat other = 0; other < peers_.size(); ++other)
    if (other != seat && quiet_dice_.coin())
      events_.schedule(now_ + milliseconds(1), ConnectionBreaks{other, peers_[seat].id});
}

/// A leader that sleeps says nothing more: nobody may lack anything by then.
void Cluster::check_quiet(const Peer& peer, const EngineView& now) {
  if (!now.quiet || peer.view().quiet)
    return;
  if (now.role != Role::leader)
    return marks_.hit(Mark::follower_went_quiet);
  marks_.hit(Mark::leader_went_quiet);
  for (const auto& [id, follower] : now.followers)
    if (now.configuration.keeps_log(id) && follower.match != now.last.index)
      fail("leader " + std::to_string(peer.id.value) + " is quiet and " + std::to_string(id.value)
           + " has not got all");
  if (now.commit != now.last.index)
    fail("leader " + std::to_string(peer.id.value) + " is quiet and has not committed all");
}

bool Cluster::is_quiet() const {
  return has_converged() && std::ranges::all_of(final_members(), [this](Seat seat) {
           return peers_[seat].view().quiet;
         });
}

/// A healed cluster with nothing to do falls quiet; and when its leader is gone then, alone or with
/// its node, and nobody asks for anything, there is soon another one.
void Cluster::prove_quiet() {
  if (!has_quiet() || is_over() || swarm_.spares > 0 || swarm_.peers == 1)
    return;
  run_until(now_ + falling_quiet_max, [this] { return is_quiet(); });
  if (!is_over() && !is_quiet())
    return fail("the idle cluster is not quiet");
  const auto leader = leader_seat();
  if (is_over() || !leader || swarm_.peers == 2)
    return;
  const Term term = peers_[*leader].view().hard_state.term;
  const auto replaced = [&] {
    const auto next = leader_seat();
    return next && peers_[*next].view().hard_state.term > term;
  };
  crash(*leader, hours(1));
  run_until(now_ + timeouts_to_replace * swarm_.engine.election_timeout_max, replaced);
  if (!is_over() && !replaced())
    return fail("nobody misses the leader of a quiet cluster");
  marks_.hit(Mark::quiet_leader_replaced);
  on(PeerStarts{*leader});
}

}  // namespace troupe::sim
