#include "core/followers.hpp"

namespace troupe {

void Followers::follow(const Configuration& configuration, PeerId self, Index next, Time now,
                       Duration farewell) {
  for (const Member& member : configuration.members()) {
    if (member.id == self)
      continue;
    const auto [it, is_new] = progress_.emplace(member.id, Progress(next, now));
    if (gone_.contains(member.id))
      it->second.returns();
    if (configuration.keeps_log(member.id)) {
      departing_.erase(member.id);
      it->second.resume();
    } else if (is_new) {
      it->second.rest();
    }
  }
  for (const auto& [peer, progress] : progress_) {
    const bool rests = progress.pace() == Pace::rest;
    if (!configuration.has_member(peer) || (!configuration.keeps_log(peer) && !rests))
      departing_.emplace(peer, now + farewell);
  }
}

void Followers::forget_departed(const Configuration& configuration, Time now) {
  std::erase_if(departing_, [&](const auto& departing) {
    const auto& [peer, until] = departing;
    if (now < until)
      return false;
    if (configuration.has_member(peer)) {
      progress_.at(peer).rest();
    } else {
      progress_.erase(peer);
      gone_.insert(peer);
    }
    return true;
  });
}

}  // namespace troupe
