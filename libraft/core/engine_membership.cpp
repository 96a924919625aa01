#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {
namespace {

/// Whether the same peers vote, wherever they are by now.
bool same_voters(const Configuration& a, const Configuration& b) {
  return std::ranges::equal(a.voters, b.voters, {}, &Member::id, &Member::id);
}

/// What is wrong with `target`, by itself.
bool malformed(const Configuration& target) {
  if (target.is_joint() || !decode_configuration(encode(target)))
    return true;
  const std::vector<Member> members = target.members();
  for (auto a = members.begin(); a != members.end(); ++a)
    if (a->id == nobody || std::any_of(std::next(a), members.end(), [&](const Member& b) {
          return b.name == a->name;
        }))
      return true;
  return members.size() != target.voters.size() + target.learners.size() + target.standbys.size();
}

/// Whether a step on the way from one to the other could hold more members than a configuration
/// may.
bool too_many(const Configuration& from, const Configuration& to) {
  const std::vector<Member> before = from.members();
  const std::vector<Member> after = to.members();
  const auto stays = [&](const Member& member) { return to.has_member(member.id); };
  const auto staying = static_cast<std::size_t>(std::ranges::count_if(before, stays));
  return before.size() + after.size() - staying > configuration_members_max;
}

/// Whether an entry of the leader's own term is committed. Before that, an unfinished change of a
/// predecessor may still be undone, and a second one would then overlap with it (the flaw that the
/// dissertation's author announced in 2015 for §4.1).
bool has_committed(Index commit, const Leading& leader) {
  if (mutant(Mutant::change_before_own_term))
    return true;
  if (mutant(Mutant::single_step))
    return true;
  return commit >= leader.term_start;
}

/// Whether there is one voter more or less.
bool is_single_step(const Configuration& from, const Configuration& to) {
  const auto less = std::min(from.voters.size(), to.voters.size());
  const auto more = std::max(from.voters.size(), to.voters.size());
  return more == less + 1
         && std::ranges::includes(from.voters.size() == more ? from.voters : to.voters,
                                  from.voters.size() == more ? to.voters : from.voters, {},
                                  &Member::id, &Member::id);
}

bool erase(std::vector<Member>& set, PeerId id) {
  return std::erase_if(set, [&](const Member& member) { return member.id == id; }) > 0;
}

}  // namespace

Result<EntryId> Engine::change_configuration(Configuration target) {
  if (role_ != Role::leader)
    return refusal_of_non_leader();
  wake();
  if (!may_change())
    return Refusal::configuration_in_progress;
  target = normalized(std::move(target));
  if (malformed(target))
    return Refusal::invalid;
  if (too_many(configuration(), target))
    return {Refusal::invalid,
            "more than " + std::to_string(configuration_members_max) + " members"};
  begin_change({.target = std::move(target)});
  return log_.last();
}

/// One change at a time. An unfinished one of a predecessor is finished first.
bool Engine::may_change() const {
  const Leading& lead = leading();
  return !lead.change && !configuration().is_joint() && lead.transfer_to == nobody
         && configurations_.index() <= commit_ && has_committed(commit_, lead);
}

void Engine::begin_change(PendingChange change) {
  change.origin = configuration();
  change.deadline = now_ + options_.catch_up_timeout;
  leading().change = std::move(change);
  continue_change();
}

/// Takes the next step of a change, once the last one is committed:
///
///   old -> old and newcomers as learners -> joint of old and new (§4.3) -> new
///
/// Newcomers catch up before they count (§4.2.1). A leader that finds a joint configuration, its
/// own or its predecessor's, always leaves it.
void Engine::continue_change() {
  Leading& lead = leading();
  // The peer that was told to campaign has all that we have, and must keep it. Others that had more
  // would refuse it their votes (§3.10). The next leader does the rest.
  if (lead.transfer_to != nobody && lead.timeout_now_sent)
    return;
  if (configurations_.index() > commit_)
    if (!mutant(Mutant::next_step_before_commit))
      return;
  if (!has_committed(commit_, lead))
    return;
  const Configuration& current = configuration();
  if (current.is_joint()) {
    if (mutant(Mutant::joint_not_left))
      return;
    Configuration left = current;
    left.old_voters.clear();
    return append_configuration(std::move(left));
  }
  if (!lead.change) {
    // A leader that is no voter any more leads until its removal is committed, without counting
    // itself; then another one should (§4.2.2).
    if (!is_voter() && lead.transfer_to == nobody)
      if (!mutant(Mutant::removed_leads_on))
        (void)transfer(nobody);
    return;
  }
  const Configuration& target = lead.change->target;
  if (current == target)
    return lead.change.reset();
  if (same_voters(current, target))
    return append_configuration(target);
  if (mutant(Mutant::single_step))
    if (is_single_step(current, target))
      return append_configuration(target);

  Configuration with_newcomers = current;
  for (const Member& voter : target.voters) {
    if (current.keeps_log(voter.id))
      continue;
    erase(with_newcomers.standbys, voter.id);
    with_newcomers.learners.push_back(voter);
  }
  if (with_newcomers.learners.size() > current.learners.size())
    return append_configuration(std::move(with_newcomers));
  if (now_ >= lead.change->deadline || is_needless(*lead.change))
    return give_up_change();
  if (!newcomers_caught_up(target))
    return;
  lead.unfit.clear();
  Configuration joint = target;
  if (!mutant(Mutant::change_jumps))
    joint.old_voters = current.voters;
  append_configuration(std::move(joint));
}

/// Without its newcomers the cluster is as good as before; the caller finds it unchanged.
void Engine::give_up_change() {
  Leading& lead = leading();
  if (lead.change->substitute != nobody && !is_needless(*lead.change))
    lead.unfit.insert(lead.change->substitute);
  lead.change = PendingChange{.target = lead.change->origin, .origin = {}, .deadline = never};
}

/// Whether the follower has answered lately, and its answers count.
bool Engine::hears(const Progress& progress) const {
  return !progress.is_set_back() && now_ - progress.heard_at() < options_.election_timeout_max;
}

/// All newcomers, and of all voters enough to decide: one who votes already may lag or be dead, or
/// no cluster could replace one dead peer while it waits for another.
bool Engine::newcomers_caught_up(const Configuration& target) const {
  std::map<PeerId, bool> ready;
  for (const Member& voter : target.voters) {
    const auto it = leading().followers.find(voter.id);
    ready[voter.id] =
        voter.id == options_.self || (it != leading().followers.end() && has_caught_up(it->second));
    if (!ready[voter.id] && !configuration().has_voter(voter.id))
      return false;
  }
  return tally(target, ready) == Tally::won;
}

/// A voter that lags would hold up commitment as soon as it counts: it must be one message behind
/// at the most, or where the voters are.
bool Engine::has_caught_up(const Progress& follower) const {
  return hears(follower) && follower.pace() == Pace::replicate
         && next(follower.match()) >= log_.first() && follower.wanted() == Index{}
         && !holes_would_mislead(follower)
         && log_.bytes_from(next(follower.match()))
                <= std::max(options_.append_bytes_max, log_.bytes_from(next(commit_)));
}

void Engine::append_configuration(Configuration configuration) {
  append(EntryKind::configuration, Bytes::copy_of(encode(normalized(std::move(configuration)))));
}

void Engine::follow_members() {
  const Duration farewell = 2 * options_.election_timeout_max;
  leading().followers.follow(configuration(), options_.self, leading().term_start, now_, farewell);
}

}  // namespace troupe
