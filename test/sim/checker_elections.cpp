#include "test/sim/checker.hpp"

namespace troupe::sim {

bool Checker::voted_for_by_majority(const std::vector<Member>& voters, PeerId leader,
                                    Term term) const {
  std::size_t votes = 0;
  for (const Member& voter : voters) {
    const auto vote = durable_votes_.find({term, voter.id});
    if (vote != durable_votes_.end() && vote->second == leader)
      ++votes;
  }
  return voters.empty() || 2 * votes > voters.size();
}

/// Whoever leads was elected by a majority of its voters, of the old and of the new ones (§3.4,
/// §4.3), in this term, and by votes that are on their disks. Few runs come to grief at once
/// where one vote was miscounted: so each election is checked by itself.
void Checker::won(PeerId peer, Term term, const Configuration& configuration) {
  if (!voted_for_by_majority(configuration.voters, peer, term)
      || !voted_for_by_majority(configuration.old_voters, peer, term))
    fail(peer, "leads term " + std::to_string(term.value) + " without the votes of a quorum");
}

}  // namespace troupe::sim
