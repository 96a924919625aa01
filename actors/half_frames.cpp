#include "actors/half_frames.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace troupe::actors {
namespace {

constexpr std::chrono::milliseconds mark_interval{500};

/// A sender that has sent nothing for so long has stopped, or its network has.
constexpr std::chrono::seconds standstill{1};

/// Bytes in a second, of a half that has come for hardly any time yet, too.
double rate(std::size_t bytes, std::chrono::nanoseconds time) {
  constexpr double seconds_min = 0.01;
  return static_cast<double>(bytes)
         / std::max(std::chrono::duration<double>(time).count(), seconds_min);
}

}  // namespace

std::vector<caf::actor> HalfFrames::hold(const Holder& holder, std::size_t bytes,
                                         Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = halves_.try_emplace(holder.connection.id());
  Half& half = at->second;
  if (is_new)
    half = {.connection = caf::actor_cast<caf::actor_addr>(holder.connection),
            .source = holder.source,
            .is_node = holder.is_node,
            .bytes = 0,
            .grew_at = now,
            .before = {.bytes = 0, .at = now},
            .last = {.bytes = 0, .at = now}};
  if (now - half.last.at >= mark_interval) {
    half.before = half.last;
    half.last = {.bytes = half.bytes, .at = now};
  }
  if (bytes > half.bytes)
    half.grew_at = now;
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
    const bool stands = now - half.grew_at >= standstill;
    return std::tuple(half.is_node, !stands, -static_cast<std::ptrdiff_t>(bytes_of.at(half.source)),
                      rate(half.bytes - half.before.bytes, now - half.before.at));
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
