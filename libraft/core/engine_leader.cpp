#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>

namespace troupe {

void Engine::lead_on_tick() {
  if (sleeps_on())
    return;
  // A leader that cannot reach its quorum can commit nothing, and another may
  // have been elected: it stops answering for the cluster (§6.2).
  if (!hears_quorum(heard_upto())) {
    std::map<PeerId, bool> heard;
    for (const auto& [peer, progress] : leading().followers)
      if (hears(progress))
        heard[peer] = true;
    unheard_ = voters_not_in(heard);
    return become_follower(hard_state_.term, nobody, {.cause = RoleCause::no_quorum});
  }
  Leading& lead = leading();
  if (now_ >= lead.transfer_deadline) {
    // The target is not up to it; we go on (§3.10).
    if (!mutant(Mutant::transfer_never_ends))
      lead.transfer_to = nobody;
    lead.transfer_deadline = never;
    lead.leaving_disk = false;
  }
  confirm_reads();  // A smaller quorum may have answered already.
  lead.followers.forget_departed(configuration(), now_);
  keep_voters();  // First: who asked for a change sees it done before the next one begins.
  continue_change();
  leave_stalled_disk();
  leave_full_disk();
}

/// As of `at`.
bool Engine::hears_quorum(Time at) const {
  return has_quorum(configuration(), [&](PeerId peer) {
    if (peer == options_.self)
      return true;
    const auto it = leading().followers.find(peer);
    return it != leading().followers.end() && !it->second.is_set_back()
           && at - it->second.heard_at() < options_.election_timeout_max;
  });
}

void Engine::on_append_response(const Message& message, const AppendResponse& response) {
  if (role_ != Role::leader)
    return;
  const auto it = leading().followers.find(message.from);
  if (it == leading().followers.end())
    return;
  Progress& progress = it->second;
  if (!progress.is_set_back() && progress.is_set_back_by(response, now_))
    find_set_back(message.from, progress, response);
  if (progress.is_set_back())
    if (!mutant(Mutant::set_back_still_counts))
      return;
  ReadId read = std::min(response.read, reads_.sent());
  if (mutant(Mutant::read_by_older_answer))
    read = reads_.sent();
  progress.heard(now_, read);
  // No longer than our own timeout: that is what `clock_error` is reckoned for.
  if (response.sent_at <= now_)
    progress.promised(response.sent_at
                      + std::min(response.promised, options_.election_timeout_min));
  hear_quiet(progress, response);
  confirm_reads();
  progress.has_full_disk(response.disk_full);
  if (response.wants_snapshot <= log_.last().index)
    progress.wants(response.wants_snapshot);
  if (const auto* rejected = std::get_if<Rejected>(&response.verdict)) {
    if (!mutant(Mutant::rejection_not_answered))
      progress.rejected(rejected->previous.index, log_.last_not_above(rejected->hint).index);
    // Everybody has what is before the first entry: to refuse that is to refuse an older term.
    if (rejected->previous.index > Index{} && rejected->hint == EntryId{})
      progress.has_nothing();
    return;
  }
  // In our own term a follower can only agree with what we sent. More is nonsense.
  const Index matched = std::get<Accepted>(response.verdict).matched;
  if (matched > log_.last().index) {
    ++dropped_;
    return;
  }
  const Term term = matched < log_.before().index ? Term{} : log_.term_at(matched);
  if (progress.accepted(now_, matched, term)) {
    maybe_commit();
    continue_transfer();
    continue_change();
  }
}

/// Commits what a quorum holds durably, ourselves included only when our own
/// disk has it. Only an entry of our own term is committed by counting; those
/// before it come with it (§3.6.2, figure 3.7).
void Engine::maybe_commit() {
  PeerMap<Index> reached{{options_.self, writes_.persisted()}};
  if (mutant(Mutant::leader_counts_undurable))
    reached[options_.self] = log_.last().index;
  for (const auto& [peer, progress] : leading().followers)
    reached[peer] = progress.match();
  const Index index = quorum_index(configuration(), reached);
  if (index <= commit_)
    return;
  if (log_.term_at(index) != hard_state_.term)
    if (!mutant(Mutant::commits_old_terms))
      return;
  advance_commit(index);
}

/// Tells the target to campaign once it has all that we have (§3.10).
void Engine::continue_transfer() {
  Leading& lead = leading();
  if (lead.transfer_to == nobody || lead.timeout_now_sent)
    return;
  if (lead.followers.at(lead.transfer_to).match() != log_.last().index)
    return;
  // Waiting clients are answered first: a follower could not tell what becomes of their commands.
  // It does not take long, since a quorum that could not commit could not elect anybody either.
  if (commit_ != log_.last().index)
    return;
  lead.timeout_now_sent = true;
  lead.lease_lost = true;
  send(lead.transfer_to, TimeoutNow{});
}

bool Engine::should_stay() const {
  if (role_ != Role::leader)
    return false;
  const Followers& followers = leading().followers;
  const auto heard = followers.ask([&](const Progress& follower) { return hears(follower); });
  const auto ready =
      followers.ask([&](const Progress& follower) { return has_caught_up(follower); });
  return tally(configuration(), heard) == Tally::won && tally(configuration(), ready) != Tally::won;
}

Time Engine::leader_deadline() const {
  if (leading().asleep)
    return leading().ask_at;
  Time deadline = leading().transfer_deadline;
  for (const auto& [peer, progress] : leading().followers)
    deadline = std::min(
        deadline, progress.sent_at() ? *progress.sent_at() + options_.heartbeat_interval : now_);
  return deadline;
}

}  // namespace troupe
