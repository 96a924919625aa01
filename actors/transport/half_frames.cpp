#include "actors/transport/half_frames.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace troupe::actors {
namespace {

/// A sender that has sent next to nothing for so long has stopped, or its network has.
constexpr std::chrono::seconds standstill{1};

/// Less than this is next to nothing.
constexpr std::size_t progress_bytes_min = std::size_t{64} << 10;

}  // namespace

std::vector<caf::actor> HalfFrames::hold(const Holder& holder, std::size_t bytes,
                                         std::size_t arrived, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = halves_.try_emplace(holder.connection.id());
  Half& half = at->second;
  if (is_new)
    half = {.connection = caf::actor_cast<caf::actor_addr>(holder.connection),
            .source = holder.source,
            .is_node = holder.is_node,
            .bytes = 0,
            .marked = arrived,
            .marked_at = now};
  if (arrived < half.marked || arrived - half.marked >= progress_bytes_min) {
    half.marked = arrived;
    half.marked_at = now;
  }
  bytes_ += bytes - half.bytes;
  half.bytes = bytes;

  std::vector<caf::actor> too_much;
  while (bytes_ > bytes_max_) {
    const auto victim = worst(now);
    if (auto actor = caf::actor_cast<caf::actor>(victim->second.connection))
      too_much.push_back(std::move(actor));
    forget(victim);
  }
  return too_much;
}

HalfFrames::Halves::iterator HalfFrames::worst(Clock::time_point now) {
  std::map<std::string, std::size_t> bytes_of;
  for (const auto& [id, half] : halves_)
    bytes_of[half.source] += half.bytes;
  const auto rank = [&](const auto& each) {
    const Half& half = each.second;
    const bool stands = now - half.marked_at >= standstill;
    return std::tuple(half.is_node, !stands, -static_cast<std::ptrdiff_t>(bytes_of.at(half.source)),
                      half.marked_at);
  };
  return std::ranges::min_element(halves_, {}, rank);
}

void HalfFrames::release(caf::actor_id connection) {
  const std::lock_guard lock(mutex_);
  if (const auto half = halves_.find(connection); half != halves_.end())
    forget(half);
}

void HalfFrames::forget(Halves::iterator half) {
  bytes_ -= half->second.bytes;
  halves_.erase(half);
}

std::size_t HalfFrames::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace troupe::actors
