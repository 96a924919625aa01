#include "test/sim/checker.hpp"

namespace troupe::sim {

bool Checker::voted_for_by_majority(const std::vector<Member>& voters, PeerId leader, Term term,
                                    Trust forgetful) const {
  std::size_t votes = 0;
  for (const Member& voter : voters) {
    // It may have forgotten its vote, and voted again.
    if (has_forgotten(voter.id)) {
      votes += forgetful == Trust::none ? 0 : 1;
      continue;
    }
    const auto vote = durable_votes_.find({term, voter.id});
    if (vote != durable_votes_.end() && vote->second == leader)
      ++votes;
  }
  return voters.empty() || 2 * votes > voters.size();
}

/// A leader was elected by a majority of its voters, of the old and of the new ones (§3.4,
/// §4.3), in this term, and by votes that are on their disks. Few runs come to grief at once
/// where one vote was miscounted: so each election is checked by itself.
void Checker::won(PeerId peer, Term term, const Configuration& configuration) {
  const auto elected = [&](Trust forgetful) {
    return voted_for_by_majority(configuration.voters, peer, term, forgetful)
           && voted_for_by_majority(configuration.old_voters, peer, term, forgetful);
  };
  if (elected(Trust::none) && !has_forgotten(peer))
    return;
  if (elected(Trust::all))
    end_judgement();
  else
    fail(peer, "leads term " + std::to_string(term.value) + " without the votes of a quorum");
}

}  // namespace troupe::sim
