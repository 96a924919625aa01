#include "test/sim/checker.hpp"
#include "test/sim/trace.hpp"

#include <variant>

namespace troupe::sim {

// What leaves a peer: to other peers, to its state, to clients.

void Checker::sent(const Message& message) {
  if (violation_)
    return;
  if (message.from == message.to || message.from == nobody || message.to == nobody)
    return fail(message.from, "sends " + text(message));
  check_silence_of_set_back(message);
  if (const auto* vote = std::get_if<VoteResponse>(&message.body))
    sent_vote(message, *vote);
  else if (const auto* vote_request = std::get_if<VoteRequest>(&message.body))
    sent_vote_request(message, *vote_request);
  else if (const auto* request = std::get_if<AppendRequest>(&message.body))
    sent_append_request(message, *request);
  else if (const auto* response = std::get_if<AppendResponse>(&message.body)) {
    if (const auto* accepted = std::get_if<Accepted>(&response->verdict))
      sent_acceptance(message, accepted->matched);
    else
      marks_.hit(Mark::append_rejected);
  } else if (const auto* pre_vote = std::get_if<PreVoteResponse>(&message.body)) {
    if (!pre_vote->granted)
      marks_.hit(Mark::pre_vote_refused);
  }
}

/// A vote is durable before it is given (§3.8), and there is one a term (§3.4).
void Checker::sent_vote(const Message& message, const VoteResponse& response) {
  if (!response.granted)
    return marks_.hit(Mark::vote_refused);
  const HardState& durable = peers_[message.from].hard_state;
  if (durable.term < message.term
      || (durable.term == message.term && durable.voted_for != message.to))
    fail(message.from, "sends a vote that is not durable: " + text(message));
  const auto [vote, is_new] = sent_votes_.try_emplace({message.term, message.from}, message.to);
  if (!is_new && vote->second != message.to)
    fail(message.from, "votes a second time in a term: " + text(message));
}

/// A candidate counts its own vote, so that is a promise as well.
void Checker::sent_vote_request(const Message& message, const VoteRequest& request) {
  candidacies_.try_emplace({message.term, message.from}, request.last);
  const HardState& durable = peers_[message.from].hard_state;
  if (durable.term < message.term
      || (durable.term == message.term && durable.voted_for != message.from))
    fail(message.from, "asks for votes before its own is durable: " + text(message));
}

void Checker::sent_append_request(const Message& message, const AppendRequest& request) {
  const auto election = elections_.find(message.term);
  if (election == elections_.end() || election->second.leader != message.from)
    fail(message.from, "speaks as leader of a term that it does not lead: " + text(message));
  EntryId before = request.previous;
  for (const Entry& entry : request.entries) {
    if (entry.id.index != next(before.index) || entry.id.term < before.term)
      fail(message.from, "sends entries with a gap: " + text(message));
    before = entry.id;
  }
  if (request.commit > last_committed())
    fail(message.from, "tells of a commit that never was: " + text(message));
}

/// What a follower accepts it holds durably, and it is what its leader has.
void Checker::sent_acceptance(const Message& message, Index matched) {
  const Mirror& durable = peers_[message.from].durable;
  if (matched > durable.last().index)
    return fail(message.from, "accepts what is not durable: " + text(message));
  if (matched == Index{})
    return;
  const auto leader = peers_.find(message.to);
  if (leader == peers_.end() || !leader->second.standing
      || leader->second.standing->role != Role::leader
      || leader->second.standing->hard_state.term != message.term)
    return;
  if (!holds(leader->second.handed, durable.entries[matched.value - 1].id))
    fail(message.from, "accepts what its leader does not have: " + text(message));
}

/// A snapshot holds the state of the entry that it covers last, and no other (§5.1).
void Checker::installed(PeerId peer, const SnapshotHead& head, const State& state) {
  if (violation_)
    return;
  const EntryId last = head.place.id;
  if (!is_committed(last))
    return fail(peer, "installs a snapshot of " + text(last) + ", which was never committed");
  if (state != state_at(last.index))
    fail(peer, "comes to another state with a snapshot of " + text(last));
}

void Checker::applied(PeerId peer, const Entry& entry, const State& state) {
  if (violation_)
    return;
  if (entry.id.index > last_committed())
    return fail(peer, "applies " + text(entry.id) + ", which no leader has committed");
  const Committed& committed = committed_[entry.id.index.value - 1];
  if (committed.id != entry.id)
    return fail(peer,
                "applies " + text(entry.id) + " where " + text(committed.id) + " was committed");
  // Until what made its holes is applied, a state is as if that had happened already in part.
  const auto& standing = peers_[peer].standing;
  const bool is_whole = !standing || entry.id.index >= standing->hard_state.horizon;
  if (is_whole && committed.state != state)
    fail(peer, "comes to another state at " + text(entry.id));
}

void Checker::proposed(std::string_view command) {
  commands_.try_emplace(std::string(command));
}

void Checker::acknowledged(std::string_view command, EntryId id) {
  const auto it = commands_.find(command);
  if (it == commands_.end() || it->second.committed != id.index
      || committed_[id.index.value - 1].id != id)
    return fail(nobody, "a client was told that " + text(id) + " happened, and it did not");
  it->second.acknowledged = id;
  marks_.hit(Mark::command_acknowledged);
}

void Checker::denied(std::string_view command) {
  Told& told = commands_[std::string(command)];
  if (told.committed)
    return fail(nobody, "a client was told that its command did not happen; it did at index "
                            + std::to_string(told.committed->value));
  told.denied = true;
}

void Checker::read_answered(Index floor, Index index, const State& state) {
  if (violation_)
    return;
  marks_.hit(Mark::read_answered);
  // Stricter than linearizability asks: not only what clients know of, but all that any leader
  // had committed when the read was asked for. The read index of §6.4 gives that much.
  if (index < floor)
    return fail(nobody, "a read that began when index " + std::to_string(floor.value)
                            + " was committed is answered from index "
                            + std::to_string(index.value));
  if (index > last_committed() || state_at(index) != state)
    fail(nobody,
         "a read is answered from a state that never was, at index " + std::to_string(index.value));
}

/// A client's reads never go back, whomever it asks, and show what was committed (§6.4).
void Checker::sequential_read_answered(Index seen, const State& state) {
  if (violation_)
    return;
  marks_.hit(Mark::sequential_read_answered);
  if (state.applied < seen)
    return fail(nobody, "a client that has seen index " + std::to_string(seen.value)
                            + " is answered from index " + std::to_string(state.applied.value));
  if (state.applied > last_committed() || state_at(state.applied) != state)
    fail(nobody, "a sequential read is answered from a state that never was, at index "
                     + std::to_string(state.applied.value));
}

const State& Checker::state_at(Index index) const {
  static const State empty{};
  return index == Index{} ? empty : committed_.at(index.value - 1).state;
}

/// Nothing that a client was told is untrue at the end.
void Checker::finished() {
  if (violation_)
    return;
  for (const auto& [command, told] : commands_) {
    if (told.acknowledged && told.committed != told.acknowledged->index)
      return fail(nobody, "an acknowledged command was lost: " + text(*told.acknowledged));
    if (told.denied && told.committed)
      return fail(nobody,
                  "a denied command happened, at index " + std::to_string(told.committed->value));
  }
}

}  // namespace troupe::sim
