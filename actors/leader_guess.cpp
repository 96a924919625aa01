#include "actors/leader_guess.hpp"

#include "core/assert.hpp"

#include <algorithm>
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
  auto at = std::ranges::find(peers_, failed);
  // After a stranger that others named we start over.
  if (at == peers_.end() || ++at == peers_.end())
    at = peers_.begin();
  target_ = *at;
}

}  // namespace troupe::actors
