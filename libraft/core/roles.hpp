#pragma once

#include "core/configuration.hpp"
#include "core/followers.hpp"
#include "core/types.hpp"

#include <map>
#include <optional>
#include <set>

namespace troupe {

// The state that a peer has only in one role: it begins anew with each change of the role, or of
// the leader. A pre-candidate and a candidate have the same.

/// Of a follower.
struct Following {
  PeerId leader{};        ///< Of this term; `nobody` until it is heard.
  bool quiet = false;     ///< The leader sends no heartbeats, and we do not wait for any.
  bool reachable = true;  ///< False after `Disconnected`, until the leader speaks again.
  Index floor{};          ///< As the leader said last (§5.3).
  Time answered_at{};     ///< When it last heard of our disk, or we began to follow.
  Index agreed{};         ///< Our log is the leader's up to here.
};

/// Asking for pre-votes or votes; the role tells which.
struct Electing {
  std::map<PeerId, bool> votes{};
  Time since{};
};

/// A change of configuration that a leader has under way (§4.3).
struct PendingChange {
  Configuration target{};
  Configuration origin{};  ///< In force before, and again if the newcomers do not catch up in time.
  Time deadline = never;
  // Of a change that the leader makes by itself:
  PeerId substitute{};  ///< The member that is to vote...
  PeerId gone{};        ///< ...and the voter in whose place; `nobody` if there were too few voters.
};

/// Of a leader.
struct Leading {
  Followers followers{};
  Index term_start{};   ///< The first entry of our term.
  Time since{};         ///< When we were elected.
  Time busy_at{};       ///< When there was anything to do last.
  bool asleep = false;  ///< All followers are quiet, and get no heartbeats...
  Time ask_at = never;  ///< ...but for one at this time.
  PeerId transfer_to{};
  Time transfer_deadline = never;
  bool timeout_now_sent = false;
  WriteId stalled_write{};    ///< Of our own disk: the one for which we handed over last.
  bool leaving_disk = false;  ///< The transfer under way is for that.
  /// For the rest of the term: a peer that was told to campaign may do so late, and asks no leave.
  bool lease_lost = false;
  std::optional<PendingChange> change{};
  std::set<PeerId> unfit{};  ///< Substitutes that did not catch up, since one did.
};

}  // namespace troupe
