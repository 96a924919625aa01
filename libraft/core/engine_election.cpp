#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void Engine::adopt_term(Term term) {
  TROUPE_ASSERT(term > hard_state_.term);
  hard_state_.term = term;
  hard_state_.voted_for = nobody;
  if (!mutant(Mutant::term_not_written))
    writes_.hard_state_changed();
  // Promises of the old term are worth nothing to those who waited for them.
  outbox_.drop_promises();
  cleaner_.defer(now_);
}

/// `leader` is nobody where the term is known by other means than its leader.
void Engine::become_follower(Term term, PeerId leader, RoleChange change) {
  if (term > hard_state_.term)
    adopt_term(term);
  role_ = Role::follower;
  role_changed_ = true;
  role_change_ = change;
  state_ = Following{.leader = leader, .reachable = true, .answered_at = now_};
  if (leader != nobody) {
    timer_.heard_leader(now_);
    timer_.found_leader();
    unheard_.clear();
  }
  reads_.lose_all();
  reset_election_deadline();
}

/// `change`, unless we lead and have told another to campaign: then that is why it does.
RoleChange Engine::handover_or(RoleChange change) const {
  if (role_ == Role::leader && leading().timeout_now_sent)
    change = {.cause = leading().leaving_disk ? RoleCause::left_disk : RoleCause::handed_over,
              .by = leading().transfer_to};
  return change;
}

/// All other voters that gave no answer.
std::vector<PeerId> Engine::voters_not_in(const std::map<PeerId, bool>& answers) const {
  std::vector<PeerId> others;
  for (const Member& member : configuration().members())
    if (member.id != options_.self && configuration().has_voter(member.id)
        && !answers.contains(member.id))
      others.push_back(member.id);
  return others;
}

ElectionTimer::Waits Engine::waits() const {
  if (!is_voter())
    return ElectionTimer::Waits::outsider;
  return role_ == Role::candidate ? ElectionTimer::Waits::candidate
                                  : ElectionTimer::Waits::follower;
}

void Engine::start_election() {
  TROUPE_ASSERT(may_campaign());
  if (auto* state = std::get_if<Following>(&state_))
    state->quiet = false;  // Nothing was heard for far too long.
  TROUPE_ASSERT(!hears_leader());
  const auto* lost = std::get_if<Following>(&state_);
  const auto heard_at = timer_.heard_leader_at();
  role_change_ = {.cause = lost == nullptr    ? RoleCause::unanswered
                           : !lost->reachable ? RoleCause::disconnected
                                              : RoleCause::silence,
                  .silent = heard_at ? now_ - *heard_at : Duration::zero(),
                  .late = now_ - timer_.deadline()};
  if (lost == nullptr)
    unheard_ = voters_not_in(electing().votes);
  timer_.called_election(waits());
  if (role_ == Role::candidate)
    timer_.candidacy_failed();
  // A disk slower than the timeout must get done with one candidacy, our own or whose we vote for,
  // before the next begins.
  if (!writes_.hard_state_is_durable())
    return reset_election_deadline();
  // A single voter need not ask first.
  if (tally(configuration(), {{options_.self, true}}) == Tally::won)
    campaign(false, role_change_);
  else
    pre_campaign();
}

/// Asks whether an election could be won, without spending a term on it (§9.6): who was cut off
/// would else come back with a term that unseats a leader that works.
void Engine::pre_campaign() {
  role_ = Role::pre_candidate;
  role_changed_ = true;
  reads_.lose_all();
  state_ = Electing{.votes = {{options_.self, true}}, .since = now_};
  reset_election_deadline();
  for (const Member& member : configuration().members()) {
    if (member.id == options_.self || !configuration().has_voter(member.id))
      continue;
    Message message = envelope(member.id, PreVoteRequest{.last = log_.last()});
    message.term = {hard_state_.term.value + 1};
    outbox_.send(std::move(message));
  }
}

void Engine::campaign(bool transfer, RoleChange change) {
  if (!transfer)
    handed_over_ = nobody;
  adopt_term({hard_state_.term.value + 1});
  hard_state_.voted_for = options_.self;
  role_ = Role::candidate;
  role_changed_ = true;
  role_change_ = change;
  reads_.lose_all();
  state_ = Electing{.votes = {{options_.self, true}}};
  reset_election_deadline();
  ask_for_votes(VoteRequest{.last = log_.last(), .transfer = transfer});
}

/// Our term and our own vote are durable before anybody hears of them: after a crash we would else
/// vote for another in a term in which we count as voted (§3.8).
void Engine::ask_for_votes(const Body& request) {
  for (const Member& member : configuration().members()) {
    if (member.id == options_.self || !configuration().has_voter(member.id))
      continue;
    if (mutant(Mutant::candidacy_before_durable))
      send(member.id, request);
    send_when_durable(member.id, request);
  }
}

/// A single voter wins when its own vote is durable, and not before. Otherwise it could lead the
/// same term twice, with a crash in between.
Tally Engine::tally_votes() const {
  const Tally tally = troupe::tally(configuration(), electing().votes);
  if (mutant(Mutant::leads_before_durable))
    return tally;
  return tally == Tally::won && !writes_.hard_state_is_durable() ? Tally::pending : tally;
}

void Engine::become_leader() {
  TROUPE_ASSERT(role_ == Role::candidate);
  TROUPE_ASSERT(hard_state_.voted_for == options_.self);
  role_ = Role::leader;
  role_changed_ = true;
  role_change_ = {.cause = RoleCause::elected};
  unheard_.clear();
  timer_.found_leader();
  // The first entry of our term commits all before it (§3.6.2) and opens reads (§6.4). Who
  // bootstraps has one already.
  const bool has_own = log_.last().term == hard_state_.term;
  state_ =
      Leading{.term_start = has_own ? log_.last().index : next(log_.last().index), .since = now_};
  follow_members();
  if (!has_own)
    append(EntryKind::noop, {});
}

/// Whether a leader is at work, as far as we can tell: we lead, or heard from one within the
/// shortest election timeout. That is what we promise to go by (§6.4.1), so a term or role that has
/// changed since is no excuse: the leader of an older term may still answer reads by its lease. Who
/// is quiet counts on its leader.
bool Engine::hears_leader() const {
  if (mutant(Mutant::promise_ends_with_term))
    if (role_ == Role::follower && leader() == nobody)
      return false;
  return role_ == Role::leader || is_quiet() || timer_.is_bound(heard_upto());
}

/// Of two who ask at the same time, and hold the same, the one with the higher id refuses the
/// other: if both granted they would split the votes of three. For a moment only, lest one who
/// cannot reach the others keeps out one who can.
bool Engine::goes_before(PeerId other, const PreVoteRequest& request) const {
  return role_ == Role::pre_candidate && request.last == log_.last() && options_.self > other
         && now_ < electing().since + options_.heartbeat_interval / 2;
}

/// A peer whose disk was set back may have voted already, and has lost what a candidate must hold.
bool Engine::may_vote() const {
  if (mutant(Mutant::set_back_votes))
    return true;
  return !hard_state_.set_back;
}

void Engine::on_pre_vote_request(const Message& message, const PreVoteRequest& request) {
  if (mutant(Mutant::pre_vote_moves_term))
    if (message.term > hard_state_.term)
      become_follower(message.term, nobody, {.cause = RoleCause::higher_term, .by = message.from});
  // As if it were the vote itself, but nothing changes here. A refusal carries our term: a peer
  // that is behind must learn it, or it asks for ever.
  // While our vote is being written another has it, and would lose it.
  const bool is_time =
      message.term > hard_state_.term && !hears_leader() && writes_.hard_state_is_durable();
  const bool granted =
      is_time && request.last >= log_.last() && may_vote() && !goes_before(message.from, request);
  if (granted && role_ == Role::follower)
    timer_.defer(now_);
  // It cannot win, but has lost its leader, too, and will not refuse us for that one's sake any
  // more.
  if (is_time && request.last < log_.last() && role_ != Role::candidate && is_voter())
    timer_.hasten(now_);
  send(message.from, PreVoteResponse{.granted = granted, .asked = message.term});
}

void Engine::on_pre_vote_response(const Message& message, const PreVoteResponse& response) {
  if (mutant(Mutant::pre_vote_counts))
    if (role_ == Role::candidate)
      return on_vote_response(message, {.granted = response.granted});
  if (role_ != Role::pre_candidate || response.asked.value != hard_state_.term.value + 1)
    return;
  // It promises nothing: once granted, it counts, whatever was said to a question of ours before.
  electing().votes[message.from] |= response.granted;
  switch (tally(configuration(), electing().votes)) {
    case Tally::won:
      return campaign(false, {.cause = RoleCause::pre_vote_won,
                              .silent = role_change_.silent,
                              .late = role_change_.late});
    case Tally::lost:
      return become_follower(hard_state_.term, nobody, {.cause = RoleCause::not_elected});
    case Tally::pending:
      return;
  }
}

void Engine::on_vote_request(const Message& message, const VoteRequest& request) {
  TROUPE_ASSERT(message.term == hard_state_.term);
  // One vote a term, to a candidate whose log holds all that may be committed: at least as
  // up-to-date as ours (§3.6.1).
  bool free = hard_state_.voted_for == nobody || hard_state_.voted_for == message.from;
  if (mutant(Mutant::vote_twice))
    free = true;
  bool is_behind = request.last < log_.last();
  if (mutant(Mutant::vote_without_log_check))
    is_behind = false;
  const auto* state = std::get_if<Following>(&state_);
  const bool has_leader = role_ == Role::leader || (state != nullptr && state->leader != nobody);
  if (!free || is_behind || has_leader || !may_vote()) {
    send(message.from, VoteResponse{.granted = false});
    return;
  }
  if (hard_state_.voted_for == nobody) {
    hard_state_.voted_for = message.from;
    if (!mutant(Mutant::vote_not_written))
      writes_.hard_state_changed();
  }
  // The same message may have ended our own leadership, as we asked for: that says more.
  const bool handed_over = role_changed_
                           && (role_change_.cause == RoleCause::handed_over
                               || role_change_.cause == RoleCause::left_disk);
  become_follower(
      hard_state_.term, nobody,
      handed_over ? role_change_ : RoleChange{.cause = RoleCause::voted, .by = message.from});
  if (mutant(Mutant::vote_before_durable))
    return send(message.from, VoteResponse{.granted = true});
  send_when_durable(message.from, VoteResponse{.granted = true});
}

void Engine::on_vote_response(const Message& message, const VoteResponse& response) {
  if (role_ != Role::candidate)
    return;
  // A vote that comes twice counts once.
  electing().votes.emplace(message.from, response.granted);
  switch (tally_votes()) {
    case Tally::won:
      return become_leader();
    case Tally::lost:
      return become_follower(hard_state_.term, nobody, {.cause = RoleCause::not_elected});
    case Tally::pending:
      return;
  }
}

/// The leader hands over: no pre-vote, which its followers would refuse (§3.10).
void Engine::on_timeout_now(const Message& message) {
  const auto* state = std::get_if<Following>(&state_);
  if (state == nullptr || state->leader != message.from || !is_voter() || stateless_
      || hard_state_.set_back)
    return;
  handed_over_ = message.from;
  campaign(true, {.cause = RoleCause::asked_to_lead, .by = message.from});
}

}  // namespace troupe
