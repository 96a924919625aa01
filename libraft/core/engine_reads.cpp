#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <limits>

namespace troupe {

Result<ReadId> Engine::start_read(ReadLevel level) {
  // Sequential reads bypass the engine: any peer answers them from its applied state.
  TROUPE_ASSERT(level != ReadLevel::sequential);
  wake();
  // A standby is sent nothing that it could answer from, nor is a peer whose disk was set back; a
  // peer may have lost what it was sent.
  if (role_ == Role::follower && known_leader() != nobody
      && configuration().keeps_log(options_.self) && !stateless_ && !hard_state_.set_back)
    return start_read_as_follower();
  if (role_ != Role::leader)
    return refusal_of_non_leader();
  // Until an entry of our own term is committed we may not know of what our predecessors
  // committed (§6.4, step 1).
  Leading& lead = leading();
  if (commit_ < lead.term_start)
    if (!mutant(Mutant::read_before_own_term))
      return Refusal::election_in_progress;
  if (reads_.is_full())
    return Refusal::busy;
  // Being ready includes all reads before: those that trust no clock must not be.
  if (level == ReadLevel::lease && !reads_.own_reads_wait() && lease_until())
    return reads_.ready_at_once(commit_);
  Index sees = commit_;
  if (mutant(Mutant::read_at_applied))
    sees = applied_;
  const ReadId read = reads_.wait_for_quorum(sees);
  confirm_reads();  // A single voter has its quorum already.
  return read;
}

/// Until when a quorum has promised to help nobody else to lead, by our own clock. `never` for who
/// decides alone: without us, who have not voted for another, nobody leads. Nothing if there is no
/// such time, or it has come. That the others count from when they heard us, and we from when we
/// spoke, is to our disadvantage only; clocks that do not run alike are not, so `clock_error` is
/// taken off (§6.4.1).
std::optional<Time> Engine::lease_until() const {
  if (role_ != Role::leader || !is_voter())
    return std::nullopt;
  const Leading& lead = leading();
  // The peer that we tell to campaign need not wait for any promise to end (§3.10).
  bool hands_over = lead.transfer_to != nobody || lead.lease_lost;
  if (mutant(Mutant::transfer_keeps_lease))
    hands_over = false;
  if (hands_over || commit_ < lead.term_start)
    return std::nullopt;
  const Time until = quorum_value(configuration(), never, [&](PeerId peer) {
    if (peer == options_.self)
      return never;
    const auto it = lead.followers.find(peer);
    return it == lead.followers.end() ? Time::min() : it->second.promised_until();
  });
  if (until == never)
    return never;
  Duration error = options_.clock_error;
  if (mutant(Mutant::clock_error_ignored))
    error = {};
  return until > now_ + error ? std::optional(until - error) : std::nullopt;
}

/// A read is confirmed when a quorum has answered a message that left after it was asked for: then
/// no newer leader can have committed anything before (§6.4, step 3).
void Engine::confirm_reads() {
  if (reads_.newest() == ReadId{})
    return;
  PeerMap<Index> reached{{options_.self, {std::numeric_limits<std::uint64_t>::max()}}};
  for (const auto& [peer, progress] : leading().followers)
    reached[peer] = {progress.read().value};
  const ReadId upto{quorum_index(configuration(), reached).value};
  while (const auto read = reads_.pop_confirmed(upto))
    send(read->asker,
         ReadIndexResponse{
             .upto = read->request.upto, .boot = read->request.boot, .index = read->index});
}

/// A peer that has lost its state has nothing to answer from, however far it had come.
bool Engine::may_answer_reads() const {
  return !stateless_ && reads_.is_ready(applied_) && is_mended();
}

// ---- followers (§6.4): the leader says from where on, and we answer

Result<ReadId> Engine::start_read_as_follower() {
  // A peer that does not campaign never learns that its leader is gone.
  if (now_ - *timer_.heard_leader_at() >= options_.election_timeout_max)
    return Refusal::election_in_progress;
  const auto read = reads_.wait_for_leader();
  return read ? Result<ReadId>(*read) : Refusal::busy;
}

bool Engine::read_request_due() const {
  return role_ == Role::follower && reads_.should_ask_leader(now_, options_.heartbeat_interval);
}

/// As a read of our own. A follower that gets no answer asks again.
void Engine::on_read_index_request(const Message& message, const ReadIndexRequest& request) {
  if (role_ != Role::leader)
    return;
  Leading& lead = leading();
  bool knows = commit_ >= lead.term_start;
  if (mutant(Mutant::read_index_before_own_term))
    knows = true;
  const auto it = lead.followers.find(message.from);
  if (it == lead.followers.end() || it->second.is_set_back() || !knows || reads_.is_full())
    return;
  reads_.wait_for_quorum(commit_, message.from, request);
  confirm_reads();
}

void Engine::on_read_index_response(const Message& message, const ReadIndexResponse& response) {
  const auto* state = std::get_if<Following>(&state_);
  if (state == nullptr || state->leader != message.from)
    return;
  switch (reads_.hear_answer(response)) {
    case ReadQueue::Answer::fresh:
      // The leader has committed as far; what we hold of its log is what it holds.
      return advance_commit(std::min({response.index, state->agreed, log_.last().index}));
    case ReadQueue::Answer::stale:
      return;
    case ReadQueue::Answer::nonsense:
      ++dropped_;
      return;
  }
}

}  // namespace troupe
