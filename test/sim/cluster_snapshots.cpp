#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// What a process does with snapshots: beside its engine, in its own time, and only until it
// crashes.

/// When something more that is done with a peer's snapshots is over: one thing after the other.
Time Cluster::snapshots_done(Peer& peer) {
  const Duration most = healed_ ? Duration(microseconds(100)) : swarm_.snapshots.chunk_max;
  peer.snapshots_busy_until = std::max(peer.snapshots_busy_until, now_)
                              + snapshot_dice_.between(microseconds(1), most + microseconds(1));
  return peer.snapshots_busy_until;
}

/// The state as it is; saving it takes a while, and what is applied meanwhile is not in it.
void Cluster::take_snapshot(Seat seat, const SnapshotPlace& place) {
  Peer& peer = peers_[seat];
  const Duration most = healed_ ? Duration(milliseconds(1)) : swarm_.snapshots.save_max;
  const Time at = now_ + snapshot_dice_.between(Duration{0}, most);
  SnapshotSaved saved{.seat = seat, .boot = peer.boot, .place = place, .bytes = {}};
  const bool fails = peer.disk.is_full()
                     || (!healed_ && snapshot_dice_.permille(swarm_.snapshots.failure_permille));
  if (peer.has_state && peer.state.applied != place.id.index)
    return fail("a snapshot is asked for at another place than the state is at");
  if (peer.has_state && !fails)
    saved.bytes = save(peer.state, snapshot_dice_.below(swarm_.snapshots.padding_max + 1),
                       snapshot_dice_.next());
  events_.schedule(at, std::move(saved));
}

void Cluster::on(const SnapshotSaved& event) {
  Peer& peer = peers_[event.seat];
  SnapshotTaken taken;
  if (event.bytes)
    taken.head = peer.snapshots.finish(event.place, *event.bytes);
  marks_.hit(taken.head ? Mark::snapshot_taken : Mark::snapshot_failed);
  note(40, [&] {
    return std::to_string(peer.id.value) + " has taken "
           + (taken.head ? text(*taken.head) : std::string("no snapshot"));
  });
  step(event.seat, taken);
}

void Cluster::install(Peer& peer, const SnapshotHead& head) {
  const std::string* bytes = peer.snapshots.find(head.id());
  const bool at_start = peer.view().written == WriteId{} && peer.state.applied == Index{};
  settle_unseen(peer, head.place.id.index);
  if (bytes == nullptr || !peer.snapshots.is_sound(head.id())) {
    note(41, [&] { return "  " + std::to_string(peer.id.value) + " cannot read " + text(head); });
    peer.state = {};
    peer.has_state = false;
    events_.schedule(now_ + snapshot_dice_.between(Duration{0}, milliseconds(5)),
                     InstallFailed{*seat_of(peer.id), peer.boot, head.id()});
    return;
  }
  note(42, [&] { return "  " + std::to_string(peer.id.value) + " installs " + text(head); });
  marks_.hit(at_start ? Mark::restarted_from_snapshot : Mark::snapshot_installed);
  if (!at_start && head.place.configuration.is_joint())
    marks_.hit(Mark::snapshot_of_joint);
  if (!at_start && !peer.has_state)
    marks_.hit(Mark::state_fetched_again);
  peer.state = *load(*bytes);
  peer.has_state = true;
  checker_.installed(peer.id, head, peer.state);
}

/// Proposals whose entries a snapshot covers: what became of them shows in no entry.
void Cluster::settle_unseen(Peer& peer, Index covered) {
  std::erase_if(peer.proposals, [&](const WaitingProposal& proposal) {
    if (proposal.first.index > covered)
      return false;
    answer(proposal.request, Outcome::in_doubt, nobody);
    return true;
  });
}

void Cluster::on(const InstallFailed& event) {
  marks_.hit(Mark::snapshot_lost_at_start);
  step(event.seat, SnapshotLost{.id = event.id, .stateless = true});
}

void Cluster::send_chunks(Seat seat, std::vector<ChunkToSend> chunks) {
  Peer& peer = peers_[seat];
  for (ChunkToSend& chunk : chunks) {
    events_.schedule(snapshots_done(peer), ChunkRead{seat, peer.boot, std::move(chunk)});
  }
}

void Cluster::on(const ChunkRead& event) {
  Peer& peer = peers_[event.seat];
  Message message = event.chunk.message;
  auto& chunk = std::get<SnapshotChunk>(message.body);
  const std::string* bytes = peer.snapshots.find(chunk.head.id());
  if (bytes == nullptr) {
    // Forgotten for a newer one, or lost; the engine knows which.
    if (peer.view().snapshot == chunk.head)
      marks_.hit(Mark::snapshot_lost_at_sender);
    return step(event.seat, SnapshotLost{.id = chunk.head.id(), .stateless = false});
  }
  chunk.data = Bytes::copy_of(std::string_view(*bytes).substr(chunk.offset, event.chunk.length));
  if (chunk.offset == 0 && !chunk.data.empty())
    marks_.hit(Mark::snapshot_sent);
  send(event.seat, std::move(message));
}

void Cluster::store_chunks(Seat seat, std::vector<ChunkToStore> chunks) {
  Peer& peer = peers_[seat];
  for (ChunkToStore& chunk : chunks) {
    events_.schedule(snapshots_done(peer), ChunkWritten{seat, peer.boot, std::move(chunk)});
  }
}

void Cluster::on(const ChunkWritten& event) {
  Peer& peer = peers_[event.seat];
  const SnapshotHead& head = event.chunk.head;
  const bool asks = event.chunk.data.empty();
  ChunkToStore chunk = event.chunk;
  if (peer.disk.is_full() && !asks) {
    marks_.hit(Mark::chunk_found_no_room);
    chunk.data = {};  // All that it can say is how much is here.
  }
  const Snapshots::Receipt receipt = peer.snapshots.receive(chunk);
  if (asks && event.chunk.offset == 0 && receipt.upto > 0 && receipt.upto < head.size_bytes)
    marks_.hit(Mark::snapshot_resumed);
  if (receipt.corrupt) {
    marks_.hit(Mark::snapshot_arrived_corrupt);
    arrived_corrupt_.insert({peer.id, head.hash});
  }
  if (receipt.upto == head.size_bytes && peer.view().receiving == head) {
    if (arrived_corrupt_.contains({peer.id, head.hash}))
      marks_.hit(Mark::snapshot_fetched_again);
    if (peer.view().last == EntryId{})
      marks_.hit(Mark::snapshot_to_newcomer);
    marks_.hit(peer.engine->log().contains(head.place.id) ? Mark::log_kept_behind_snapshot
                                                          : Mark::log_restarted);
  }
  step(event.seat, ChunkStored{.id = head.id(),
                               .offset = event.chunk.offset,
                               .upto = receipt.upto,
                               .corrupt = receipt.corrupt});
}

void Cluster::check_snapshot(Seat seat, const SnapshotHead& head) {
  Peer& peer = peers_[seat];
  events_.schedule(snapshots_done(peer), SnapshotChecked{seat, peer.boot, head.id()});
}

void Cluster::on(const SnapshotChecked& event) {
  Peer& peer = peers_[event.seat];
  if (peer.snapshots.is_sound(event.id))
    return;
  if (peer.view().snapshot && peer.view().snapshot->id() == event.id)
    marks_.hit(Mark::snapshot_lost_at_sender);
  step(event.seat, SnapshotLost{.id = event.id, .stateless = false});
}

/// Whether this peer could start again and serve.
bool Cluster::is_whole(const Peer& peer) const {
  const auto& durable = peer.disk.durable().snapshot;
  return (!durable || peer.snapshots.is_sound(durable->id())) && (!peer.is_up() || peer.has_state);
}

/// Never at two peers at a time: what both had cut from their logs could be gone for ever.
void Cluster::strike_damage() {
  const auto receives =
      std::ranges::find_if(peers_, [](const Peer& peer) { return peer.snapshots.received() > 0; });
  if (receives != peers_.end() && fault_dice_.coin()) {
    note(43, [&] { return "damage of what comes to " + std::to_string(receives->id.value); });
    receives->snapshots.damage_received(fault_dice_);
    return;
  }
  const auto leader = leader_seat();
  const bool at_leader = leader && fault_dice_.coin();
  const Seat seat = at_leader ? *leader : fault_dice_.below(peers_.size());
  Peer& peer = peers_[seat];
  const auto& durable = peer.disk.durable().snapshot;
  if (!durable || !std::ranges::all_of(peers_, [this](const Peer& p) { return is_whole(p); }))
    return;
  peer.snapshots.damage(durable->id(), fault_dice_);
  note(44, [&] { return "damage of " + text(*durable) + " at " + std::to_string(peer.id.value); });
  if (fault_dice_.coin())
    crash(seat, fault_length());
}

void Cluster::strike_snapshot() {
  const Seat seat = fault_dice_.below(peers_.size());
  Peer& peer = peers_[seat];
  if (!peer.is_up() || peer.paused)
    return;
  tick(peer);
  const auto covers = peer.engine->take_snapshot();
  note(45, [&] {
    return std::to_string(peer.id.value) + " is to take a snapshot: "
           + (covers ? text(*covers) : std::string(name(covers.refusal())));
  });
  stepped(peer);
  after_input(seat);
}

}  // namespace troupe::sim
