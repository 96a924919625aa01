#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {

// Reads at every level, and the leases that some of them stand on.

namespace {

/// Sequential reads that one peer lets wait.
constexpr std::size_t sequential_reads_max = 64;

}  // namespace

ReadLevel Cluster::draw_level() {
  if (read_dice_.below(100) < swarm_.clients.lease_percent)
    return ReadLevel::lease;
  return read_dice_.below(100) < swarm_.clients.sequential_percent ? ReadLevel::sequential
                                                                   : ReadLevel::linearizable;
}

void Cluster::read(Peer& peer, const Request& request) {
  if (request.level == ReadLevel::sequential)
    return read_sequentially(peer, request);
  const Index floor = checker_.read_floor();
  const bool holds_lease = peer.engine->lease_until().has_value();
  const bool wants_lease = request.level == ReadLevel::lease;
  const auto id = peer.engine->start_read(request.level);
  note(21, [&] {
    return std::string(wants_lease ? "lease " : "") + "read at " + std::to_string(peer.id.value)
           + ": " + (id ? std::to_string(id->value) : std::string(name(id.refusal())));
  });
  if (id) {
    if (wants_lease && peer.leads() && !holds_lease)
      marks_.hit(Mark::lease_read_without_lease);
    peer.reads.emplace(*id, WaitingRead{.floor = floor,
                                        .request = request,
                                        .by_lease = wants_lease && holds_lease,
                                        .at_leader = peer.leads()});
    return;
  }
  if (peer.leads())
    marks_.hit(Mark::read_refused);
  answer(request, Outcome::refused, peer.engine->leader());
}

void Cluster::answer_reads(Peer& peer, const ReadReady& ready) {
  if (peer.has_state && peer.state.applied < ready.index)
    return fail("a read is ready before the entries that it must see");
  std::size_t together = 0;
  while (!peer.reads.empty() && peer.reads.begin()->first <= ready.upto) {
    const WaitingRead read = std::move(peer.reads.begin()->second);
    peer.reads.erase(peer.reads.begin());
    if (!peer.has_state) {
      answer(read.request, Outcome::refused, nobody);
      continue;
    }
    // Judged as of the index that the engine names; the peer would answer from all it has.
    checker_.read_answered(read.floor, ready.index, checker_.state_at(ready.index));
    if (read.by_lease)
      marks_.hit(Mark::lease_read_answered);
    if (read.by_lease && !peer.engine->lease_until())
      marks_.hit(Mark::lease_lost_mid_read);
    if (!read.at_leader)
      marks_.hit(Mark::read_answered_by_follower);
    answer(read.request, Outcome::done, peer.id, ready.index, value_for(peer, read.request));
    ++together;
  }
  if (together > 1)
    marks_.hit(Mark::read_confirmed_with_others);
}

/// What the peer's state holds; or what it held, where a test plants that.
std::uint64_t Cluster::value_for(const Peer& peer, const Request& request) {
  const auto before = told_.find(request.key);
  if (swarm_.clients.stale_permille > 0 && before != told_.end()
      && read_dice_.permille(swarm_.clients.stale_permille))
    return before->second;
  return told_[request.key] = peer.state.read(request.key);
}

/// Clients that wait for a leader that is none any more are told so.
void Cluster::lose_reads(Peer& peer) {
  for (const auto& [id, read] : std::exchange(peer.reads, {})) {
    marks_.hit(read.at_leader ? Mark::read_lost_on_step_down : Mark::read_lost_at_follower);
    answer(read.request, Outcome::refused, peer.view().leader);
  }
}

/// As a shell would: it needs nobody but its own state, and leaders are no matter.
void Cluster::read_sequentially(Peer& peer, const Request& request) {
  note(22, [&] {
    return "sequential read at " + std::to_string(peer.id.value) + " behind "
           + std::to_string(request.seen.value);
  });
  if (peer.sequential_reads.size() >= sequential_reads_max)
    return answer(request, Outcome::refused, nobody);
  if (peer.state.applied < request.seen)
    marks_.hit(Mark::sequential_read_waited);
  if (peer.has_state && peer.state.applied < peer.engine->horizon())
    marks_.hit(Mark::read_waited_for_horizon);
  peer.sequential_reads.push_back(request);
  answer_sequential_reads(peer);
}

void Cluster::answer_sequential_reads(Peer& peer) {
  if (!peer.has_state || peer.state.applied < peer.engine->horizon())
    return;
  std::erase_if(peer.sequential_reads, [&](const Request& request) {
    if (peer.state.applied < request.seen)
      return false;
    checker_.sequential_read_answered(request.seen, peer.state);
    answer(request, Outcome::done, peer.id, peer.state.applied);
    return true;
  });
}

/// Nobody is elected while another may read by its lease (§6.4.1). Stricter than what clients see:
/// it is an error even if nobody writes and nobody reads. Votes that come late may elect someone in
/// an older term than the holder's; it can commit nothing, so that is none.
void Cluster::check_leases(const Peer& elected) {
  for (const Peer& peer : peers_) {
    if (peer.id == elected.id || !peer.is_up() || peer.engine->term() > elected.engine->term())
      continue;
    const auto until = peer.engine->lease_until();
    if (until && peer.clock.local(now_) < *until)
      fail("peer " + std::to_string(elected.id.value) + " was elected in term "
           + std::to_string(elected.engine->term().value) + " while peer "
           + std::to_string(peer.id.value) + " held a lease");
  }
}

/// Whether nothing but a promise that the peer made before it crashed stands against its vote, or
/// its pre-vote.
bool Cluster::is_bound_from_before(const Peer& peer, const Message& message) const {
  EntryId last{};
  if (const auto* vote = std::get_if<VoteRequest>(&message.body);
      vote != nullptr && !vote->transfer)
    last = vote->last;
  else if (const auto* pre_vote = std::get_if<PreVoteRequest>(&message.body))
    last = pre_vote->last;
  else
    return false;
  return message.term > peer.view().hard_state.term && last >= peer.view().last
         && peer.promised_at != Time::min() && peer.promised_at < peer.started_at
         && now_ - peer.promised_at < swarm_.engine.election_timeout_min
         && peer.view().role == Role::follower;
}

/// The message leaves the peer in that seat.
void Cluster::watch_promises(Seat seat, const Message& message) {
  Peer& peer = peers_[seat];
  if (const auto* response = std::get_if<AppendResponse>(&message.body);
      response != nullptr && response->promised > Duration{})
    peer.promised_at = now_;
  if (const auto* response = std::get_if<PreVoteResponse>(&message.body);
      response != nullptr && !response->granted && peer.bound_asked == message.to)
    marks_.hit(Mark::vote_refused_after_restart);
}

}  // namespace troupe::sim
