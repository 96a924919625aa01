#pragma once

#include "core/options.hpp"
#include "core/random.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <optional>

namespace troupe {

/// When a peer campaigns, and until when it helps nobody else to.
///
/// A peer that hears no leader for an election timeout, drawn at random each time, calls an
/// election (§3.4). For the shortest election timeout after it heard a leader it votes for nobody
/// (§4.2.3): that is what leases rest on (§6.4.1). So the time when a leader was heard last
/// outlives the role of this peer and the term of that leader.
class ElectionTimer {
public:
  /// The standing of the peer. An outsider is no voter of the configuration in force.
  enum class Waits : std::uint8_t { follower, candidate, outsider };

  /// The deadline is `never` until it is set.
  explicit ElectionTimer(const EngineOptions& options);

  /// The peer campaigns at this time, unless a leader is heard before.
  Time deadline() const { return deadline_; }

  /// Draws a new deadline, so that split votes do not repeat themselves (§3.4). The timeout doubles
  /// with each candidacy that nobody won in its time: a disk or a network may take longer than the
  /// shortest. It doubles for an outsider, too, with each election that it has called. It was
  /// probably removed, and would otherwise campaign for ever.
  void reset(Time now, Waits waits);
  /// The same timeout begins again, unless the deadline is later anyway.
  void restart(Time now);
  /// The leader has most likely died, since its connection broke. Brings the deadline close to when
  /// others may vote, which they do not before (§4.2.3), and within a heartbeat at random: not all
  /// should ask at once. Ignored if no leader was ever heard.
  void hasten(Time now);
  /// Another peer asks for votes. Lets it go first: its own vote must become durable before it asks
  /// again, and two timers that end in that time would split the votes of three (§3.4).
  void defer(Time now);
  /// A leader that quiesces is not heard for `time` longer.
  void extend(Duration time) { deadline_ += time; }
  /// There is nothing to wait for.
  void expire(Time now) { deadline_ = now; }

  void heard_leader(Time at) { heard_leader_at_ = at; }
  /// When a leader spoke last, of whatever term; at the start of a peer that may have heard one
  /// before, that start. Nothing if none ever did.
  std::optional<Time> heard_leader_at() const { return heard_leader_at_; }
  /// Whether a promise to a leader binds this peer at `now`.
  bool is_bound(Time now) const;

  /// There is a leader: the next candidacy has the shortest timeout.
  void found_leader() { vain_candidacies_ = 0; }
  /// Nobody won the candidacy in its time.
  void candidacy_failed();
  /// An election is called, by an outsider or by a voter.
  void called_election(Waits waits);

private:
  Duration timeout_min_;
  Duration timeout_max_;
  Duration heartbeat_;
  Random random_;
  Time deadline_ = never;
  Duration timeout_{};          ///< As it was drawn for the deadline.
  int vain_candidacies_ = 0;    ///< In a row, that nobody won in their time.
  int outsider_elections_ = 0;  ///< In a row, called by this peer as an outsider.
  std::optional<Time> heard_leader_at_{};
};

}  // namespace troupe
