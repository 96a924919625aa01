#pragma once

#include "core/configuration.hpp"
#include "core/flat_map.hpp"
#include "core/progress.hpp"
#include "core/types.hpp"

#include <map>
#include <set>

namespace troupe {

/// The peers that a leader sends to, with its knowledge of each, as in etcd's tracker.
///
/// These are the members of the configuration in force but the leader, and peers that depart: a
/// member that was removed, or is a standby by now, is sent the log for a while longer, so that it
/// learns of that (§4.2.2).
class Followers {
public:
  using Map = PeerMap<Progress>;

  Map::iterator begin() { return progress_.begin(); }
  Map::iterator end() { return progress_.end(); }
  Map::const_iterator begin() const { return progress_.begin(); }
  Map::const_iterator end() const { return progress_.end(); }
  Map::iterator find(PeerId peer) { return progress_.find(peer); }
  Map::const_iterator find(PeerId peer) const { return progress_.find(peer); }
  bool contains(PeerId peer) const { return progress_.contains(peer); }
  /// Requires: `contains(peer)`.
  const Progress& at(PeerId peer) const { return progress_.at(peer); }

  /// For a tally: what `is_so` says of each.
  template <class Predicate>
  std::map<PeerId, bool> ask(const Predicate& is_so) const {
    std::map<PeerId, bool> answers;
    for (const auto& [peer, progress] : progress_)
      answers[peer] = is_so(progress);
    return answers;
  }

  /// `configuration` is in force, of which `self` leads. Newcomers are probed from the entry `next`
  /// on. Peers that are sent the log no more depart within `farewell`.
  void follow(const Configuration& configuration, PeerId self, Index next, Time now,
              Duration farewell);
  /// The time of some that depart may be over: they are forgotten, or rest if they are standbys.
  void forget_departed(const Configuration& configuration, Time now);
  /// Those that depart, and until when.
  const std::map<PeerId, Time>& departing() const { return departing_; }

private:
  Map progress_{};
  std::map<PeerId, Time> departing_{};
  std::set<PeerId> gone_{};  ///< Forgotten, since we lead.
};

}  // namespace troupe
