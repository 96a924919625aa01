#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <map>

namespace troupe {

/// A leader may go on without its disk: the others commit without it (§10.2.1). But what it hands
/// to its store is bounded by nothing, unlike what a follower is sent, and each of its followers
/// is needed for every entry. So it hands over (§3.10), once for each write that stalls, to voters
/// whose disks got done with what its own is stuck at: if all disks are slow alike, moving helps
/// nobody. It does not come back before its disk does: until then it misses the successor's first
/// entry, and its own vote is not durable.
void Engine::leave_stalled_disk() {
  Leading& lead = leading();
  if (!writes_.stalls(now_, options_.disk_stall_max) || lead.transfer_to != nobody)
    return;
  const WriteQueue::UnderWay& oldest = writes_.under_way().front();
  if (lead.stalled_write == oldest.id)
    return;
  if (lead.change)
    return;  // It would be lost half-way.
  const bool others_wrote_it = writes_.persisted() < commit_ && oldest.last.index <= commit_;
  const auto others = lead.followers.ask([&](const Progress& follower) { return hears(follower); });
  // Without a quorum that is heard nobody could take over.
  if (!others_wrote_it || tally(configuration(), others) != Tally::won)
    return;
  lead.stalled_write = oldest.id;
  lead.leaving_disk = true;
  if (!transfer(nobody))
    lead.leaving_disk = false;
}

void Engine::on_disk_full(const DiskFull& news) {
  disk_full_ = news.full;
  wake_leader();
  if (role_ == Role::leader)
    leave_full_disk();
}

/// Whether a command could be kept: by us, or the log would grow in memory alone, and by enough of
/// those that we hear.
bool Engine::has_room() const {
  if (disk_full_)
    if (!mutant(Mutant::full_disk_takes_commands))
      return false;
  bool any_is_full = false;
  std::map<PeerId, bool> with_room{{options_.self, true}};
  for (const auto& [peer, progress] : leading().followers) {
    with_room[peer] = hears(progress) && !progress.disk_full();
    any_is_full = any_is_full || progress.disk_full();
  }
  return !any_is_full || tally(configuration(), with_room) == Tally::won;
}

/// A leader that has to refuse all commands hands over (§3.10) if there is a quorum that would
/// not. So one full disk costs the clients no more than an election. If there is no such quorum the
/// next leader would refuse them, too. We stay then, and answer reads without a break. A new leader
/// may not know yet which disks are full: those that fill up together would pass leadership around.
/// So a leader stays for an election timeout. By then all voters that count have told it.
void Engine::leave_full_disk() {
  Leading& lead = leading();
  if (mutant(Mutant::full_disk_not_left))
    return;
  if (!disk_full_ || lead.transfer_to != nobody || lead.change
      || now_ - lead.since < options_.election_timeout_max)
    return;
  const auto others = lead.followers.ask(
      [&](const Progress& follower) { return hears(follower) && !follower.disk_full(); });
  if (tally(configuration(), others) != Tally::won)
    return;
  lead.leaving_disk = true;
  if (!transfer(nobody))
    lead.leaving_disk = false;
}

}  // namespace troupe
