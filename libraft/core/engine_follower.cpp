#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void Engine::on_append_request(const Message& message, const AppendRequest& request) {
  TROUPE_ASSERT(message.term == hard_state_.term);
  if (!makes_sense(message, request)) {
    ++dropped_;
    return;
  }
  hear_leader(message);
  // A standby learns who is in the cluster from its leader, not from a log. It only says so to
  // those who ask: nothing is decided by it.
  configurations_.tell(request.members.empty() ? std::nullopt
                                               : decode_configuration(request.members.text()));
  // We have lost what we acknowledged in this term.
  if (!hard_state_.set_back && !log_.agrees(request.acknowledged))
    find_self_set_back(request.acknowledged);
  if (hard_state_.set_back) {
    const Rejected rejected{.previous = request.previous,
                            .hint = log_.last_not_above(request.previous)};
    return send(message.from, AppendResponse{.verdict = rejected, .sent_at = request.sent_at});
  }

  bool agrees = log_.agrees(request.previous);
  if (mutant(Mutant::previous_term_not_checked))
    agrees = request.previous.index <= log_.last().index;
  if (!agrees) {
    AppendResponse response = promise_to(
        request,
        Rejected{.previous = request.previous, .hint = log_.last_not_above(request.previous)});
    if (!writes_.hard_state_is_durable())
      response.promised = {};
    send(message.from, response);
    return;
  }
  following().floor = std::max(following().floor, request.floor);
  if (!request.entries.empty())
    hard_state_.horizon = std::max(hard_state_.horizon, request.horizon);
  const Index matched = make_agree(request);
  following().agreed = std::max(following().agreed, matched);
  // Not `last`: what stands past `matched` may be a deposed leader's (§3.5, figure 3.1).
  if (mutant(Mutant::commits_own_last))
    advance_commit(std::min(request.commit, log_.last().index));
  advance_commit(std::min(request.commit, matched));
  obey_quiet(request);
  if (mutant(Mutant::accepts_own_last))
    return answer_append(message, request, log_.last().index);
  answer_append(message, request, matched);
}

/// The sender leads our term, and is at work.
void Engine::hear_leader(const Message& message) {
  if (role_ != Role::follower || following().leader != message.from)
    become_follower(message.term, message.from,
                    handover_or({.cause = RoleCause::leader_heard, .by = message.from}));
  role_changed_ = role_changed_ || !following().reachable;
  following().reachable = true;
  following().quiet = false;
  timer_.heard_leader(now_);
  reset_election_deadline();
}

/// Whether another than `from` is known to lead our term.
bool Engine::may_lead_us(PeerId from) const {
  const auto* state = std::get_if<Following>(&state_);
  return role_ != Role::leader
         && (state == nullptr || state->leader == nobody || state->leader == from);
}

/// What no correct leader of this term sends. Nothing that comes from outside may trip an
/// assertion or cut into what is committed.
bool Engine::makes_sense(const Message& message, const AppendRequest& request) const {
  if (!may_lead_us(message.from))
    return false;
  if (request.previous.index <= commit_ && !log_.agrees(request.previous))
    return false;  // It would contradict what is committed.
  if (!request.members.empty() && !decode_configuration(request.members.text()))
    return false;
  EntryId before = request.previous;
  for (const Entry& entry : request.entries) {
    const bool follows = entry.id.index == next(before.index) && entry.id.term >= before.term
                         && entry.id.term <= message.term;
    const bool contradicts = entry.id.index <= commit_ && !log_.agrees(entry.id);
    if (!follows || contradicts)
      return false;
    if (entry.kind == EntryKind::released && !entry.payload.empty())
      return false;
    if (entry.kind == EntryKind::configuration && !log_.agrees(entry.id)
        && !decode_configuration(entry.payload.text()))
      return false;
    before = entry.id;
  }
  return true;
}

/// Makes our log hold all of `request`, and answers how far the logs are known to agree.
Index Engine::make_agree(const AppendRequest& request) {
  Index matched = request.previous.index;
  for (const Entry& entry : request.entries) {
    bool holds = log_.agrees(entry.id);
    if (mutant(Mutant::conflict_kept))
      holds = entry.id.index <= log_.last().index;
    if (mutant(Mutant::match_truncated))
      holds = entry.id.index <= commit_;
    if (!holds) {
      // Only a conflict truncates: an old request, come late, must not cut off what a newer one
      // brought (§3.5, step 3).
      if (entry.id.index <= log_.last().index)
        truncate_from(entry.id.index);
      log_.append(entry);
      adopt_configuration(entry);
    }
    matched = entry.id.index;
  }
  return matched;
}

/// Each answer is a promise, too: to stick to the leader (§6.4.1). After a crash only a term on the
/// disk reminds us that there was one: it leaves no earlier than that.
AppendResponse Engine::promise_to(const AppendRequest& request,
                                  std::variant<Rejected, Accepted> verdict) const {
  return {.verdict = verdict,
          .read = request.read,
          .sent_at = request.sent_at,
          .promised = options_.election_timeout_min,
          .quiet = is_quiet()};
}

/// An acceptance promises durability. One that brought nothing new says at once how far we are
/// durable already; so does any other once a heartbeat while the disk is busy: a slow disk costs
/// neither leadership nor reads.
void Engine::answer_append(const Message& message, const AppendRequest& request, Index matched) {
  if (mutant(Mutant::accepts_before_durable))
    return send(message.from, AppendResponse{.verdict = Accepted{matched}, .read = request.read});
  Time& answered_at = following().answered_at;
  const bool overdue = outbox_.has_promises() && now_ - answered_at >= options_.heartbeat_interval;
  const bool waited_for = request.entries.empty() || request.read != ReadId{} || overdue;
  if (waited_for && writes_.hard_state_is_durable()) {
    answered_at = now_;
    send(message.from, promise_to(request, Accepted{std::min(matched, writes_.persisted())}));
  }
  if (!request.entries.empty() || !writes_.hard_state_is_durable())
    send_when_durable(message.from, promise_to(request, Accepted{matched}));
}

void Engine::truncate_from(Index index) {
  TROUPE_ASSERT(index > commit_);
  log_.truncate_from(index);
  // The configuration before it is in force again (§4.1).
  if (!mutant(Mutant::configuration_not_rolled_back))
    configurations_.truncate_from(index);
  writes_.truncated(index, log_.last());
}

}  // namespace troupe
