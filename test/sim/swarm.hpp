#pragma once

#include "core/options.hpp"
#include "core/types.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe::sim {

/// How messages travel between two peers.
struct NetworkSwarm {
  Duration delay_min{};
  Duration delay_spread{};
  unsigned loss_permille = 0;
  unsigned duplicate_permille = 0;
  unsigned straggler_permille = 0;  ///< A message that arrives terms later.
  Duration straggler_max{};
  bool in_order = false;  ///< As over one connection: nothing overtakes.
  bool tells_disconnects = false;
};

/// How a peer's store works off its writes.
struct DiskSwarm {
  Duration latency_min{};
  Duration latency_spread{};
  unsigned stall_permille = 0;  ///< A write that takes as long as an election.
  Duration stall_max{};
  Duration notice_max{};      ///< Between a write's being durable and the peer's hearing of it.
  bool group_commit = false;  ///< One transaction for all that waits.
};

/// Which faults strike, by their weights; 0 never.
struct FaultSwarm {
  Duration pause_between{};  ///< Faults strike this far apart, on average.
  Duration length_max{};
  unsigned crash = 0;
  unsigned crash_leader = 0;
  unsigned power_cut = 0;
  unsigned pause = 0;
  unsigned isolate = 0;
  unsigned isolate_leader = 0;
  unsigned split = 0;
  unsigned one_way = 0;
  unsigned bridge = 0;
  unsigned clog = 0;
  unsigned transfer = 0;
  unsigned clock_rate = 0;
  unsigned forget = 0;      ///< The leader is cut off, and another starts again at once.
  unsigned change = 0;      ///< Of the configuration, to any other.
  unsigned snapshot = 0;    ///< An operator asks for one.
  unsigned damage = 0;      ///< Of a snapshot, at one peer at a time.
  unsigned full = 0;        ///< A disk takes no more for a while.
  unsigned slow = 0;        ///< Some links take much longer than others.
  unsigned depose = 0;      ///< A leader loses its place and its tail, and gets the place back.
  unsigned clock_jump = 0;  ///< Forth, or back: then it stands still for as long.
  unsigned rot = 0;         ///< Of an entry in a store, found when it is opened next.
  unsigned set_back = 0;    ///< A disk holds again what it held earlier.
  unsigned crash_between_parts_permille = 0;
  unsigned change_when_elected_permille = 0;
};

/// How a peer's snapshots behave; when they are taken is up to the engine's options.
struct SnapshotSwarm {
  std::size_t padding_max = 0;  ///< What they weigh beyond the state.
  Duration save_max{};
  Duration chunk_max{};  ///< To read or to write one chunk.
  unsigned failure_permille = 0;
};

struct ClientSwarm {
  unsigned clients = 1;
  Duration think_max{};
  Duration timeout{};
  unsigned read_percent = 0;
  unsigned lease_percent = 0;       ///< Of the reads.
  unsigned sequential_percent = 0;  ///< Of the others.
  unsigned batch_max = 1;           ///< Commands in one proposal.
  std::size_t payload_bytes_max = 16;
  unsigned keys = 1;            ///< Of the map, where logs are cleaned...
  unsigned delete_percent = 0;  ///< ...and how many of the commands delete one.
  unsigned wander_percent = 0;  ///< Asks anybody next, and may find a leader that is none.
  /// A client whose leader took its command and stepped down waits for the entry all the same.
  bool patient = false;
  /// Reads that are answered with what was told before of the same key. For tests of the checkers.
  unsigned stale_permille = 0;
};

/// How much of a run there is. The plain ones are of the protocol alone, and many: engines, disks,
/// clocks and a network, elections, proposals and reads, and what is checked after each step. No
/// codec, no snapshots, no cleaning, no changes of members, no history of what clients were told.
enum class Extent : std::uint8_t { whole, plain };

/// What plain runs are counted in. Their election timeouts are of 10 to 60 of them, and faults
/// strike for `plain_ticks`; then they are healed and converge as all do.
inline constexpr Duration plain_tick = std::chrono::milliseconds(10);
inline constexpr Duration::rep plain_ticks = 600;

/// Everything that differs from seed to seed. All of it follows from `seed`.
struct Swarm {
  std::uint64_t seed = 0;
  Extent extent = Extent::whole;
  unsigned peers = 3;                ///< In the first configuration.
  unsigned spares = 0;               ///< Start empty, and are members once they are asked in.
  Duration chaos{};                  ///< Faults strike for so long; then all is healed.
  unsigned hesitation_permille = 0;  ///< A peer takes in more before it performs its output.
  std::int64_t clock_rate_min_permille = 1000;
  std::int64_t clock_rate_max_permille = 1000;
  unsigned standby_permille = 0;  ///< Of who neither votes nor listens after a change.
  unsigned policy_permille = 0;   ///< Of changes, those that ask for a number of voters to keep.
  Duration keep_after_max{};
  /// Of beats in a row that are not heard before peers are told so; where nobody is ever quiet, 0.
  unsigned silent_beats = 0;
  unsigned node_outlives_permille = 0;  ///< Of crashes, those of the peer alone.
  /// Leaders say what a follower has acknowledged; those of an older version do not.
  bool claims = true;
  bool buries = false;     ///< When all is healed, a voter dies for good where others stand by.
  EngineOptions engine{};  ///< Without `self` and `seed`.
  NetworkSwarm network{};
  DiskSwarm disk{};
  SnapshotSwarm snapshots{};
  FaultSwarm faults{};
  ClientSwarm clients{};
};

/// Clocks that faults set to another rate run at one between these.
inline constexpr std::int64_t clock_fault_min_permille = 500;
inline constexpr std::int64_t clock_fault_max_permille = 2000;
/// Links that a fault makes slow take up to so much longer.
inline constexpr Duration slowness_max = std::chrono::milliseconds(300);

/// By how much two clocks of the swarm may drift apart while one of them counts an
/// `election_timeout_min`, at the most: by all of it where clocks jump.
Duration clock_drift(const Swarm& swarm);

/// Each kind of fault is on or off, and stronger or weaker, by a toss.
Swarm draw_swarm(std::uint64_t seed, Extent extent = Extent::whole);

/// All parameters, one group in a line.
std::string describe(const Swarm& swarm);

}  // namespace troupe::sim
