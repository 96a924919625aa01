#include "actors/client/leader_guess.hpp"

#include "core/assert.hpp"

#include <utility>

namespace troupe::actors {

LeaderGuess::LeaderGuess(std::vector<FullName> peers) : peers_(std::move(peers)) {
  if (!peers_.empty())
    target_ = peers_.front();
}

const FullName& LeaderGuess::target() const {
  TROUPE_ASSERT(!empty());
  return target_;
}

void LeaderGuess::move_on(const FullName& failed) {
  if (empty() || target_ != failed)
    return;
  // Not from `failed`: who named it, and would name it again, may be the one behind it.
  turn_ = (turn_ + 1) % peers_.size();
  if (peers_[turn_] == failed)
    turn_ = (turn_ + 1) % peers_.size();
  target_ = peers_[turn_];
}

}  // namespace troupe::actors
