#pragma once

#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe {

/// What an operator can set for one engine. All peers of a cluster should use
/// the same timing; nothing breaks if they do not, but elections get slower.
struct EngineOptions {
  /// This peer. Never `nobody`.
  PeerId self{};

  /// Where the randomness of election deadlines starts. Draw a different one
  /// for each peer: equal seeds split votes again and again.
  std::uint64_t seed = 1;

  /// A follower that hears no leader for a time drawn from [min, max) asks for
  /// votes (§3.4). Also how long a follower sticks to a leader it has heard
  /// (min; §4.2.3) and how long a leader goes on without its quorum (max).
  /// Lower: faster failover. Too low: elections under load. At least three heartbeats. A peer that
  /// starts again with a lower minimum must have been down for the old one: it promised that.
  Duration election_timeout_min = std::chrono::milliseconds(150);
  Duration election_timeout_max = std::chrono::milliseconds(300);

  /// An idle leader is heard this often. Well below `election_timeout_min`.
  Duration heartbeat_interval = std::chrono::milliseconds(30);

  /// A leader that has had nothing to do for so long has its followers quiesce, if all of them hold
  /// everything: there are no heartbeats then, and no election timers. A client's call wakes the
  /// group, and so does a node that is not heard. 0: never. Lower: lease reads that are this far
  /// apart take a round.
  Duration quiet_after = std::chrono::seconds(1);

  /// So often a quiet leader asks all the same whether its followers are there, and after three
  /// such times without a word they campaign. Nothing should ever depend on it.
  Duration quiet_interval = std::chrono::seconds(30);

  /// By how much the clocks of two peers may drift apart during one `election_timeout_min`. A
  /// leader's lease ends by so much earlier than what its followers promised (§6.4.1). Too small
  /// for the clocks, or for machines that are suspended with their clocks: lease reads may be
  /// stale; no other promise depends on it. `election_timeout_min` or more: no leases.
  Duration clock_error = std::chrono::milliseconds(15);

  /// Entries in one append request. One entry above the limit still travels, alone.
  std::size_t append_bytes_max = std::size_t{512} << 10;

  /// What may be on its way to one follower, unanswered. When either is reached
  /// the follower gets heartbeats only.
  std::size_t window_bytes_max = std::size_t{8} << 20;
  std::size_t window_messages_max = 64;

  /// What a leader holds that is not committed yet. Beyond it a proposal is
  /// refused as `busy`: nothing is buffered without bound.
  std::size_t uncommitted_bytes_max = std::size_t{64} << 20;

  /// A leader whose oldest write is not durable after so long hands over to a voter whose disk got
  /// done with the same (§3.10). About as long as a dead leader is missed: one that cannot write
  /// is not worth more. Lower: hiccups of a disk move the leadership. `Duration::max()`: never.
  Duration disk_stall_max = std::chrono::milliseconds(300);

  /// How long the newcomers of a change of configuration may take to catch up.
  Duration catch_up_timeout = std::chrono::seconds(30);

  /// A snapshot is taken (§5.1) when so many entries were applied since the last one, or as many
  /// bytes of them; 0: never for this reason. Higher: less work, a longer log in memory and on
  /// disk, a slower restart. The bytes count as at least the size of the last snapshot, so that
  /// taking one never costs more than what was logged for it. Each time both are stretched by up
  /// to one half, drawn at random: peers that apply the same should not all save at once.
  std::uint64_t snapshot_entries = 200'000;
  std::size_t snapshot_bytes = std::size_t{64} << 20;

  /// What stays in the log behind a snapshot, for followers that lag a little; one that lags more
  /// gets the snapshot. The lower of the two counts.
  std::size_t snapshot_keep_entries = 10'000;
  std::size_t snapshot_keep_bytes = std::size_t{8} << 20;

  /// Entries that one write cuts from the log at most: cutting all at once would stall a store.
  std::size_t cut_entries_max = 4096;

  /// What the replicated state says matters no more is cleaned from the log (§5.3): its payloads
  /// go, wherever they stand. Of a log whose commands mostly take the place of others little stays,
  /// and no snapshot need be taken. It begins when at least `clean_entries_min` entries are to
  /// be cleaned and half as many as are to stay (0: at once), and cleans at most
  /// `clean_entries_max` in one write, and at most one such write in a heartbeat unless more wait.
  bool cleaning = true;
  std::size_t clean_entries_min = 4096;
  std::size_t clean_entries_max = 4096;

  /// The largest payload of one entry.
  std::size_t entry_bytes_max = std::size_t{4} << 20;
};

/// What is wrong with `options`, or nothing.
std::string problem(const EngineOptions& options);

}  // namespace troupe
