#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// What the replicated state does for cleaning (§5.3): it reports, in its own time and in order.

void Cluster::report_released(Seat seat) {
  Peer& peer = peers_[seat];
  if (peer.released.from == Index{} || !swarm_.engine.cleaning)
    return;
  peer.reports_busy_until = std::max(peer.reports_busy_until, now_)
                            + cleaning_dice_.between(microseconds(1), milliseconds(2));
  events_.schedule(peer.reports_busy_until,
                   ReleasesReported{seat, peer.boot, std::exchange(peer.released, {})});
}

void Cluster::on(const ReleasesReported& event) {
  step(event.seat, event.released);
}

void Cluster::mark_cleaning(const Peer& peer, const Write& write) {
  for (const Index index : write.released)
    marks_.hit(tombstones_.contains(index) ? Mark::tombstone_cleaned : Mark::entry_cleaned);
  if (!write.released.empty() && peer.view().snapshot)
    marks_.hit(Mark::cleaned_beside_snapshot);
}

void Cluster::mark_cleaning(const Message& message) {
  if (const auto* request = std::get_if<AppendRequest>(&message.body);
      request != nullptr
      && std::ranges::find(request->entries, EntryKind::released, &Entry::kind)
             != request->entries.end())
    marks_.hit(Mark::holes_sent);
  if (!std::holds_alternative<SnapshotChunk>(message.body))
    return;
  const auto from = seat_of(message.from);
  const auto& followers = peers_[*from].view().followers;
  if (const auto to = followers.find(message.to); to != followers.end()
                                                  && to->second.pace == Pace::snapshot
                                                  && to->second.next >= peers_[*from].view().first)
    marks_.hit(Mark::snapshot_for_holes);
}

}  // namespace troupe::sim
