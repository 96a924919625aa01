#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// No peer misses as many elections. One forged message must not use up the terms that there are.
constexpr std::uint64_t term_jump_max = std::uint64_t{1} << 32;

}  // namespace

void Engine::on_tick(const Tick& tick) {
  now_ = std::max(now_, tick.now);
  unread_ = std::max(tick.unread, Duration::zero());
  if (role_ == Role::leader)
    lead_on_tick();
  else if (may_campaign() && heard_upto() >= timer_.deadline())
    start_election();
}

void Engine::on_disconnected(PeerId peer) {
  on_silent(peer);
  auto* state = std::get_if<Following>(&state_);
  if (state == nullptr || state->leader != peer)
    return;
  // It has most likely died, and all its voters hear of it at about the same time.
  if (state->reachable && is_voter())
    timer_.hasten(now_);
  role_changed_ = role_changed_ || state->reachable;
  state->reachable = false;
  reads_.lose_all();
}

/// Whether `message` is for this incarnation of this peer, and of its cluster.
/// A peer that belongs to none joins that of the first who addresses it by
/// its id: only a configuration that is durable somewhere can hold that.
bool Engine::belongs_here(const Message& message) {
  if (message.to != options_.self || message.from == options_.self || message.from == nobody
      || message.cluster == ClusterId{}
      || message.term.value > hard_state_.term.value + term_jump_max)
    return false;
  if (hard_state_.cluster == ClusterId{}) {
    hard_state_.cluster = message.cluster;
    writes_.hard_state_changed();
  }
  return message.cluster == hard_state_.cluster;
}

void Engine::on_message(const Message& message) {
  if (!belongs_here(message)) {
    ++dropped_;
    return;
  }
  if (is_worth_waking_for(message))
    wake();
  // Pre-votes are about a term that nobody has entered: they move none (§9.6).
  if (const auto* request = std::get_if<PreVoteRequest>(&message.body))
    return on_pre_vote_request(message, *request);
  // A peer that hears a leader ignores those that would unseat it: a peer that was cut off or
  // removed must not disturb the others (§4.2.3). Unless the leader itself asked for it (§3.10).
  if (const auto* request = std::get_if<VoteRequest>(&message.body);
      request != nullptr && !request->transfer && hears_leader())
    return;
  // "If one server's current term is smaller than the other's, then it updates its current term"
  // (§3.3).
  if (mutant(Mutant::higher_term_ignored))
    if (message.term > hard_state_.term && role_ == Role::leader)
      return;
  if (message.term > hard_state_.term)
    become_follower(message.term, nobody,
                    handover_or({.cause = RoleCause::higher_term, .by = message.from}));
  if (const auto* response = std::get_if<PreVoteResponse>(&message.body))
    return on_pre_vote_response(message, *response);
  if (message.term < hard_state_.term)
    on_older_term(message);
  else
    on_our_term(message);
}

/// The sender has missed a term: requests are answered so that it learns of ours, answers to what
/// we asked in an older term count for nothing.
void Engine::on_older_term(const Message& message) {
  if (mutant(Mutant::older_vote_counts))
    if (std::holds_alternative<VoteResponse>(message.body))
      return on_our_term(message);
  if (mutant(Mutant::older_acceptance_counts))
    if (std::holds_alternative<AppendResponse>(message.body))
      return on_our_term(message);
  if (const auto* request = std::get_if<AppendRequest>(&message.body))
    send(message.from,
         AppendResponse{.verdict = Rejected{.previous = request->previous,
                                            .hint = log_.last_not_above(request->previous)},
                        .read = {}});
  else if (std::holds_alternative<VoteRequest>(message.body))
    send(message.from, VoteResponse{.granted = false});
}

void Engine::on_our_term(const Message& message) {
  if (const auto* request = std::get_if<AppendRequest>(&message.body))
    on_append_request(message, *request);
  else if (const auto* response = std::get_if<AppendResponse>(&message.body))
    on_append_response(message, *response);
  else if (const auto* vote_request = std::get_if<VoteRequest>(&message.body))
    on_vote_request(message, *vote_request);
  else if (const auto* vote_response = std::get_if<VoteResponse>(&message.body))
    on_vote_response(message, *vote_response);
  else if (const auto* chunk = std::get_if<SnapshotChunk>(&message.body))
    on_snapshot_chunk(message, *chunk);
  else if (const auto* snapshot_response = std::get_if<SnapshotResponse>(&message.body))
    on_snapshot_response(message, *snapshot_response);
  else if (const auto* ask = std::get_if<ReadIndexRequest>(&message.body))
    on_read_index_request(message, *ask);
  else if (const auto* told = std::get_if<ReadIndexResponse>(&message.body))
    on_read_index_response(message, *told);
  else
    on_timeout_now(message);
}

}  // namespace troupe
