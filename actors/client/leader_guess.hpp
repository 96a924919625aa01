#pragma once

#include "actors/runtime/address.hpp"

#include <cstddef>
#include <vector>

namespace troupe::actors {

/// Which peer of a cluster to ask next: the one that others name as leader, otherwise one after the
/// other. A removed peer may name one that does not lead. That delays the turn of no other peer.
class LeaderGuess {
public:
  LeaderGuess() = default;
  /// Starts with the first.
  explicit LeaderGuess(std::vector<FullName> peers);

  /// No peer is known.
  bool empty() const { return peers_.empty(); }

  /// Requires that some peer is known.
  const FullName& target() const;

  /// Someone named `leader`, which need not be among the known peers.
  void follow(FullName leader) { target_ = std::move(leader); }

  /// `failed` could not help. Changes nothing if another is asked already: of a thousand calls that
  /// fail together the first moves on.
  void move_on(const FullName& failed);

private:
  std::vector<FullName> peers_{};
  std::size_t turn_ = 0;  ///< The peer that we asked last without being told to.
  FullName target_{};
};

}  // namespace troupe::actors
