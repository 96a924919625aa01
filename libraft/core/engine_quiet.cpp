#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>

namespace troupe {
namespace {

/// So many questions of a quiet leader may get lost before its followers campaign.
constexpr int questions_lost_max = 3;

}  // namespace

// Quiet groups. A leader's heartbeats (§3.4) say that it is there, and find out what was lost.
// Where nothing can be missing and the nodes watch each other anyway they are left out: the last
// one says so, and those who hold everything answer that they wait no more. Nothing safe rests on
// anybody being quiet, only that elections come late; so to wake is always right, and whatever is
// not certain to keep the peace wakes. Leases end by the clock as ever, and reads ask as ever.

bool Engine::is_quiet() const {
  if (role_ == Role::leader)
    return leading().asleep;
  const auto* state = std::get_if<Following>(&state_);
  return state != nullptr && state->quiet;
}

/// What a leader and its followers say to each other says itself whether they stay quiet. And who
/// was removed and never heard of it asks for pre-votes for ever (§4.2.3). To refuse those takes
/// nobody who is awake; and should the one who asks have become a member of late, then our leader
/// is not quiet since, and its own word wakes us.
bool Engine::is_worth_waking_for(const Message& message) const {
  if (std::holds_alternative<PreVoteRequest>(message.body))
    if (!mutant(Mutant::strangers_wake))
      return known_configuration().has_member(message.from);
  return !std::holds_alternative<AppendRequest>(message.body)
         && !std::holds_alternative<AppendResponse>(message.body);
}

/// There is something to do. A follower has heard its leader until now, so to speak: that was what
/// it relied on.
void Engine::wake() {
  if (role_ == Role::leader) {
    leading().busy_at = now_;
    if (leading().asleep)
      wake_followers();
  } else if (is_quiet()) {
    following().quiet = false;
    timer_.heard_leader(now_);
    reset_election_deadline();
  }
}

/// Everybody is sent a heartbeat with the next output, and has as long to answer as any follower of
/// a leader that was just elected (§6.2).
void Engine::wake_followers() {
  Leading& lead = leading();
  lead.asleep = false;
  lead.ask_at = never;
  for (auto& [peer, progress] : lead.followers) {
    progress.listen_anew(now_);
    if (mutant(Mutant::sleep_keeps_lease))
      progress.promised(now_ + options_.election_timeout_min);
  }
}

/// Whether the leader could say nothing that its followers do not know.
bool Engine::has_nothing_to_do() const {
  const Leading& lead = leading();
  const Index last = log_.last().index;
  if (commit_ != last || writes_.persisted() != last || commit_ < lead.term_start || !is_voter())
    return false;
  if (reads_.newest() != ReadId{} || lead.transfer_to != nobody || lead.change
      || !lead.followers.departing().empty())
    return false;
  if (disk_full_ || configuration().is_joint()
      || configuration().voters.size() < configuration().keep.count)
    return false;
  return std::ranges::all_of(lead.followers, [&](const auto& peer) {
    if (mutant(Mutant::sleeps_while_one_lags))
      return true;
    return is_settled(peer.second);
  });
}

/// A quiescent leader has not listened to its followers.
bool Engine::is_settled(const Progress& progress) const {
  if (!(hears(progress) || leading().asleep) || progress.wanted() != Index{} || progress.disk_full()
      || progress.sending())
    return false;
  return progress.pace() == Pace::rest
         || (progress.pace() == Pace::replicate && progress.match() == log_.last().index);
}

/// Whether the next heartbeat may be the last.
bool Engine::is_quiet_due() const {
  return options_.quiet_after > Duration::zero() && has_nothing_to_do()
         && now_ - leading().busy_at >= options_.quiet_after;
}

/// Whether nothing but time has passed for a leader that sleeps. It asks from time to time: all it
/// knows of the nodes of its followers is what it is told.
bool Engine::sleeps_on() {
  if (!leading().asleep)
    return false;
  if (now_ < leading().ask_at)
    return true;
  wake_followers();
  // As long ago as lets it ask at once, and not so long that an old answer counted.
  leading().busy_at = now_ - options_.quiet_after;
  return false;
}

/// A follower answers. The leader sleeps when all have answered, since there was something to do
/// last, that they sleep.
void Engine::hear_quiet(Progress& progress, const AppendResponse& response) {
  Leading& lead = leading();
  if (!response.quiet)
    return lead.asleep ? wake() : void();
  if (lead.asleep || response.sent_at > now_)
    return;
  progress.fell_quiet(response.sent_at);
  const auto sleeps = [&](const auto& peer) {
    if (mutant(Mutant::sleeps_while_one_lags))
      if (!is_settled(peer.second))
        return true;
    return peer.second.quiet_since() > lead.busy_at;
  };
  if (!is_quiet_due() || !std::ranges::all_of(lead.followers, sleeps))
    return;
  lead.asleep = true;
  lead.ask_at = now_ + options_.quiet_interval;
}

/// A leader that has nothing to do says so, and we hold all that there is: the next word may be
/// long in coming. A standby has nothing to hold.
void Engine::obey_quiet(const AppendRequest& request) {
  const Index last = log_.last().index;
  const bool holds_all = request.previous.index == last && request.commit == last && commit_ == last
                         && writes_.persisted() == last;
  const bool stands_by = !request.members.empty();
  if (!request.quiet || options_.quiet_after == Duration::zero() || !(holds_all || stands_by)
      || stateless_ || disk_full_ || !writes_.hard_state_is_durable())
    return;
  following().quiet = true;
  timer_.extend(questions_lost_max * options_.quiet_interval);
}

/// There is something that our leader must know of us, and it does not ask.
void Engine::wake_leader() {
  if (role_ == Role::follower && is_quiet())
    send(following().leader,
         AppendResponse{.verdict = Accepted{std::min(following().agreed, writes_.persisted())}});
  wake();
}

/// An election timeout begins, in which a leader that is there is heard; one that waits for its
/// followers asks them.
void Engine::on_silent(PeerId peer) {
  if (mutant(Mutant::silence_ignored))
    return;
  if (!is_quiet())
    return;
  if (role_ == Role::leader)
    return leading().followers.contains(peer) ? wake() : void();
  if (following().leader != peer)
    return;
  following().quiet = false;
  reset_election_deadline();
}

}  // namespace troupe
