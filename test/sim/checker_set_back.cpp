#include "test/sim/checker.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <variant>

namespace troupe::sim {

// Disks that are set back (docs/decisions/0009). The checker knows what their peers have forgotten.
// What such a peer acknowledged counts as long as no leader can know. Once it is known the peer is
// to keep silent and to count for nothing, and nobody else is ever to be taken for one.

void Checker::copied(PeerId peer) {
  const PeerRecord& record = peers_[peer];
  copies_[peer] = {.hard_state = record.hard_state, .log = record.durable};
}

void Checker::set_back(PeerId peer) {
  PeerRecord& record = peers_[peer];
  const Kept& copy = copies_.at(peer);
  forgotten_.try_emplace(peer, Kept{.hard_state = record.hard_state, .log = record.durable});
  record.hard_state = copy.hard_state;
  record.durable = record.handed = copy.log;
  const auto is_forgotten = [&](const auto& vote) {
    const auto& [term, voter] = vote.first;
    return voter == peer
           && (term > copy.hard_state.term
               || (term == copy.hard_state.term && copy.hard_state.voted_for == nobody));
  };
  std::erase_if(durable_votes_, is_forgotten);
  std::erase_if(sent_votes_, is_forgotten);
  std::erase_if(candidacies_, is_forgotten);
}

bool Checker::knows_set_back(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it != peers_.end() && it->second.standing && it->second.standing->hard_state.set_back;
}

/// Nobody is accused whose disk kept what it was given.
void Checker::check_set_back(const EngineView& now) {
  if (now.hard_state.set_back && !has_forgotten(now.self))
    fail(now.self, "takes itself for one whose disk was set back");
  for (const auto& [peer, follower] : now.followers)
    if (follower.set_back && !has_forgotten(peer))
      fail(now.self, "holds that the disk of " + std::to_string(peer.value)
                         + " was set back, which it was not");
}

/// A peer that knows that it has forgotten promises makes no others.
void Checker::check_silence_of_set_back(const Message& message) {
  if (!knows_set_back(message.from))
    return;
  const auto* vote = std::get_if<VoteResponse>(&message.body);
  const auto* pre_vote = std::get_if<PreVoteResponse>(&message.body);
  const auto* response = std::get_if<AppendResponse>(&message.body);
  const bool promises =
      (vote != nullptr && vote->granted) || (pre_vote != nullptr && pre_vote->granted)
      || (response != nullptr && std::holds_alternative<Accepted>(response->verdict))
      || std::holds_alternative<VoteRequest>(message.body)
      || std::holds_alternative<PreVoteRequest>(message.body);
  if (promises)
    fail(message.from, "was set back, knows it, and sends " + text(message));
}

bool Checker::counts(PeerId voter, EntryId id, const EngineView& leader, Trust forgetful) const {
  const auto record = peers_.find(voter);
  const bool has_it = record != peers_.end() && holds(record->second.durable, id);
  const auto forgotten = forgotten_.find(voter);
  if (forgotten == forgotten_.end())
    return has_it;
  if (forgetful == Trust::none)
    return false;
  const auto follower = leader.followers.find(voter);
  const bool is_known = follower != leader.followers.end() && follower->second.set_back;
  return !is_known && (has_it || holds(forgotten->second.log, id));
}

bool Checker::held_by_quorum(const Configuration& configuration, EntryId id,
                             const EngineView& leader, Trust forgetful) const {
  return !configuration.voters.empty() && has_quorum(configuration, [&](PeerId voter) {
    return counts(voter, id, leader, forgetful);
  });
}

/// What was acknowledged counts until a leader can know that it was forgotten. But a peer that has
/// forgotten a vote in a later term takes in what that term's leader need not have.
void Checker::check_held_by_quorum(const Configuration& configuration, EntryId id,
                                   const EngineView& leader) {
  if (held_by_quorum(configuration, id, leader, Trust::none))
    return;
  if (!held_by_quorum(configuration, id, leader, Trust::unknowing))
    return fail(leader.self, "commits " + text(id) + ", which is not durable on a quorum");
  if (std::ranges::any_of(forgotten_, [&](const auto& forgotten) {
        return forgotten.second.hard_state.term > leader.hard_state.term;
      }))
    end_judgement();
}

/// Anything may be lost from here on.
void Checker::end_judgement() {
  if (!void_)
    marks_.hit(Mark::set_back_decided_unknowing);
  void_ = true;
}

}  // namespace troupe::sim
