#include "core/assert.hpp"
#include "core/engine.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe {
namespace {

/// Moves `id` out of whatever set it is in.
Member taken(Configuration& from, PeerId id) {
  for (auto* set : {&from.voters, &from.learners, &from.standbys})
    if (const auto it = std::ranges::find(*set, id, &Member::id); it != set->end()) {
      Member member = std::move(*it);
      set->erase(it);
      return member;
    }
  TROUPE_ASSERT(false);
  return {};
}

/// A voter that has been silent for as long as the policy says. Of several, the one with the lowest
/// id; its turn over, the next.
PeerId gone_voter(const Configuration& configuration, const Leading& leading, Time now) {
  for (const Member& voter : configuration.voters)
    if (const auto it = leading.followers.find(voter.id);
        it != leading.followers.end() && now - it->second.heard_at() >= configuration.keep.after)
      return voter.id;
  return nobody;
}

}  // namespace

/// Where a voter is gone, or there are too few, another member takes the vote: one at a time, and
/// by the same steps as any change (§4.3). Copycat's servers do the same with their passive and
/// reserve members.
void Engine::keep_voters() {
  const Configuration& current = configuration();
  if (current.keep.count == 0 || !is_voter() || !may_change())
    return;
  const PeerId gone = gone_voter(current, leading(), now_);
  if (gone == nobody && current.voters.size() >= current.keep.count)
    return;
  const PeerId substitute = find_substitute();
  if (substitute == nobody)
    return leading().unfit.clear();  // Those who failed get another try.
  Configuration target = current;
  target.voters.push_back(taken(target, substitute));
  if (gone != nobody)
    target.standbys.push_back(taken(target, gone));
  begin_change({.target = normalized(std::move(target)), .substitute = substitute, .gone = gone});
}

/// A member that answers, and is the soonest to count: a learner that has caught up before any
/// other learner before a standby.
PeerId Engine::find_substitute() const {
  PeerId best = nobody;
  std::pair<bool, bool> best_fitness{};
  for (const auto& [peer, progress] : leading().followers) {
    const Configuration& current = configuration();
    if (current.has_voter(peer) || !current.has_member(peer) || leading().unfit.contains(peer)
        || !progress.has_answered() || !hears(progress))
      continue;
    const std::pair fitness{current.keeps_log(peer), has_caught_up(progress)};
    if (best == nobody || fitness > best_fitness)
      std::tie(best, best_fitness) = std::tie(peer, fitness);
  }
  return best;
}

/// The voter that was gone is back before its substitute has caught up.
bool Engine::is_needless(const PendingChange& change) const {
  const auto it = leading().followers.find(change.gone);
  return it != leading().followers.end() && hears(it->second);
}

}  // namespace troupe
