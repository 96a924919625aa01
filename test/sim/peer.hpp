#pragma once

#include "core/engine.hpp"
#include "test/sim/clock.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/events.hpp"
#include "test/sim/snapshots.hpp"
#include "test/sim/state.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::sim {

/// Commands that a client proposed in one go, and who waits for them.
struct WaitingProposal {
  EntryId first{};
  std::size_t settled = 0;  ///< So many of the commands have met their fate.
  bool all_done = true;
  Request request{};
};

struct WaitingRead {
  Index floor{};  ///< What it must see, by the checker's reckoning.
  Request request{};
  bool by_lease = false;
  bool at_leader = false;
};

/// A write on its way to the disk.
struct Writing {
  WriteId id{};
  EntryId last{};  ///< Where the log ended with it.
  std::optional<SnapshotId> snapshot{};
};

/// One peer: an engine, and what a process around it would hold. The disk and the snapshots outlive
/// the process; all else is gone in a crash.
struct Peer {
  PeerId id{};
  Disk disk;
  Snapshots snapshots{};
  std::optional<EntryId> rotten{};  ///< Damaged on its disk; nobody knows yet.
  std::uint64_t boot = 0;           ///< Counts its lives.
  Time promised_at = Time::min();   ///< When it last promised to help nobody else to lead.

  // Of this life.
  std::optional<Engine> engine{};
  std::array<EngineView, 2> views{};  ///< As it was last checked; and what the next is made of.
  std::size_t latest = 0;             ///< Of those.
  Clock clock{};
  Time started_at{};
  PeerId bound_asked{};  ///< Asked last for a vote that only a promise of an earlier life forbids.
  State state{};
  bool has_state = true;  ///< False when a snapshot could not be read.
  Released released{};    ///< What was applied and is not reported yet.
  Time reports_busy_until{};
  Time snapshots_busy_until{};  ///< What is read and written there keeps its order.
  /// The change that was asked of this leader last, and the term in which.
  std::optional<std::pair<Term, Configuration>> change{};
  std::deque<WaitingProposal> proposals{};
  std::map<ReadId, WaitingRead> reads{};
  std::deque<Request> sequential_reads{};  ///< That wait for what their clients have seen.
  std::deque<Writing> writing{};
  bool output_due = false;
  std::uint64_t timer = 0;  ///< The timer that is armed; older ones mean nothing.
  Time timer_at = never;
  bool paused = false;
  std::vector<Event> missed{};  ///< What came in during the pause.

  bool is_up() const { return engine.has_value(); }
  bool is_up_since(std::uint64_t start) const { return is_up() && boot == start; }
  const EngineView& view() const { return views[latest]; }
  bool leads() const { return is_up() && view().role == Role::leader; }
};

}  // namespace troupe::sim
