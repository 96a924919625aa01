#pragma once

#include "core/configuration.hpp"
#include "core/flat_map.hpp"
#include "core/output.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe {

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

std::string_view name(Role role);

/// Why a peer took its role. For those who read a log: nothing in the protocol depends on it.
enum class RoleCause : std::uint8_t {
  started,        ///< A peer starts as a follower.
  bootstrapped,   ///< It made a cluster.
  silence,        ///< No leader was heard for an election timeout.
  disconnected,   ///< The connection to the leader broke, and it was not heard since.
  unanswered,     ///< It campaigned before, and neither won nor lost within an election timeout.
  pre_vote_won,   ///< A quorum would vote for it (§9.6).
  asked_to_lead,  ///< The leader handed over to it (§3.10).
  elected,
  not_elected,   ///< A quorum refused.
  voted,         ///< For another.
  leader_heard,  ///< Another leads this term.
  higher_term,   ///< A message of a later term came.
  no_quorum,     ///< It led, and did not hear a quorum for an election timeout (§6.2).
  handed_over,   ///< It led, and asked another to (§3.10).
  left_disk,     ///< The same, since its own disk was full or stalled.
  state_lost,    ///< Its snapshot is damaged.
};

std::string_view name(RoleCause cause);

/// The last change of a role.
struct RoleChange {
  RoleCause cause = RoleCause::started;
  PeerId by{};  ///< The peer that caused it, if one did.
  // Of a campaign:
  Duration silent{};  ///< So long ago a leader was heard last; 0 if none ever was.
  Duration late{};    ///< So long ago the election timeout was over.
};

/// How a leader sends to one follower: `probe` looks for where the logs agree,
/// one message at a time; `replicate` sends ahead of the answers; `rest` sends no entries, but who
/// is in the cluster: to a standby; `snapshot` sends one, since entries that the follower needs
/// were cut (§5.1).
enum class Pace : std::uint8_t { probe, replicate, rest, snapshot };

std::string_view name(Pace pace);

/// What a leader knows of one follower.
struct FollowerView {
  Index match{};
  Index next{};
  Pace pace = Pace::probe;
  std::size_t in_flight_bytes = 0;
  Time heard_at{};  ///< When it last answered, by the clock that the engine is given.
  /// The snapshot that is being sent to it, if any, and how much of it has arrived.
  std::optional<SnapshotHead> snapshot{};
  std::uint64_t snapshot_acked = 0;
  /// Its disk was set back: it counts for nothing, and `match` is 0. It had `acknowledged` as much.
  bool set_back = false;
  Index acknowledged{};
};

/// Read-only sight of an engine: all that status, tests and invariants need.
struct EngineView {
  PeerId self{};
  Role role = Role::follower;
  HardState hard_state{};
  PeerId leader{};  ///< Of this term, as far as we know; `nobody` else.
  RoleChange role_change{};
  /// Voters that did not answer our last campaign, or that we did not hear when we stopped leading
  /// for the want of a quorum. Empty as soon as there is a leader.
  std::vector<PeerId> unheard{};
  Index first{};   ///< The first entry in the log, or one past `last`.
  EntryId last{};  ///< The last entry, durable or not.
  Index commit{};
  Index applied{};                ///< Handed out in `Output::committed`, or installed.
  Index persisted{};              ///< Our own disk has the log up to here.
  WriteId written{};              ///< The last write handed out.
  Configuration configuration{};  ///< In force.
  Index configuration_index{};    ///< Of the entry that holds it; 0 if none.
  bool changing = false;          ///< While leading: another configuration is to follow.
  PeerId transfer_to{};           ///< While leading: who was asked to lead in our place.
  bool disk_stalls = false;       ///< A write takes longer than `EngineOptions::disk_stall_max`.
  bool disk_full = false;         ///< So we were told by `DiskFull`.
  bool leaving_disk = false;      ///< While leading: we hand over because of either.
  PeerMap<FollowerView> followers{};         ///< While leading.
  std::optional<SnapshotHead> snapshot{};    ///< The last one that we took or were sent.
  std::optional<EntryId> taking_snapshot{};  ///< One is being taken here.
  std::optional<SnapshotHead> receiving{};   ///< One is coming from a leader...
  std::uint64_t received_bytes = 0;          ///< ...and so much of it is here.
  /// Our snapshot was damaged: we hold a sound log and no replicated state, and wait for another.
  bool stateless = false;
  /// There is nothing to do: a leader sends no heartbeats, a follower waits for none.
  bool quiet = false;
  std::uint64_t read_rounds = 0;    ///< That we began as a leader, to confirm reads (§6.4).
  std::uint64_t holes = 0;          ///< Entries that were cleaned from the log (§5.3).
  std::uint64_t holes_to_make = 0;  ///< Released, and not yet to be missed by anybody.
  Index floor{};                    ///< What entries up to this one released may be cleaned.
  std::uint64_t dropped = 0;        ///< Messages that made no sense: another cluster's, not for us.
};

}  // namespace troupe
