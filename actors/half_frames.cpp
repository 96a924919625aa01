#include "actors/half_frames.hpp"

#include <algorithm>

namespace troupe::actors {

std::vector<caf::actor> HalfFrames::hold(const caf::actor& connection, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto [half, is_new] = halves_.try_emplace(connection.id());
  if (is_new)
    half->second = {caf::actor_cast<caf::actor_addr>(connection), 0, ++began_};
  bytes_ += bytes - half->second.bytes;
  half->second.bytes = bytes;

  std::vector<caf::actor> too_much;
  while (bytes_ > bytes_max_) {
    const auto oldest =
        std::ranges::min_element(halves_, {}, [](const auto& each) { return each.second.began; });
    if (auto actor = caf::actor_cast<caf::actor>(oldest->second.connection))
      too_much.push_back(std::move(actor));
    forget(oldest);
  }
  return too_much;
}

void HalfFrames::release(caf::actor_id connection) {
  const std::lock_guard lock(mutex_);
  if (const auto half = halves_.find(connection); half != halves_.end())
    forget(half);
}

void HalfFrames::forget(std::map<caf::actor_id, Half>::iterator half) {
  bytes_ -= half->second.bytes;
  halves_.erase(half);
}

std::size_t HalfFrames::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace troupe::actors
