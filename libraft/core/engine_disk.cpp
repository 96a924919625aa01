#include "core/engine.hpp"

#include <map>

namespace troupe {

bool Engine::disk_stalls() const {
  return !writing_.empty() && now_ - writing_.front().at >= options_.disk_stall_max;
}

/// A leader may go on without its disk: the others commit without it (§10.2.1). But what it hands
/// to its store is bounded by nothing, unlike what a follower is sent, and each of its followers
/// is needed for every entry. So it hands over (§3.10), once for each write that stalls, to voters
/// whose disks got done with what its own is stuck at: if all disks are slow alike, moving helps
/// nobody. It does not come back before its disk does: until then it misses the successor's first
/// entry, and its own vote is not durable.
void Engine::leave_stalled_disk() {
  Leading& lead = leading();
  if (!disk_stalls() || lead.stalled_write == writing_.front().id || lead.transfer_to != nobody)
    return;
  if (lead.change)
    return;  // It would be lost half-way.
  const bool others_wrote_it = persisted_ < commit_ && writing_.front().last.index <= commit_;
  std::map<PeerId, bool> others;
  for (const auto& [peer, progress] : lead.progress)
    others[peer] = hears(progress);
  // Without a quorum that is heard nobody could take over.
  if (!others_wrote_it || tally(configuration(), others) != Tally::won)
    return;
  lead.stalled_write = writing_.front().id;
  lead.leaving_disk = true;
  if (!transfer(nobody))
    lead.leaving_disk = false;
}

}  // namespace troupe
