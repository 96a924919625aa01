#pragma once

#include "core/entry.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <string_view>

namespace troupe::sim {

/// FNV-1a, continued from `digest`.
std::uint64_t mix(std::uint64_t digest, std::string_view bytes);
std::uint64_t mix(std::uint64_t digest, std::uint64_t number);
/// Of an entry and all before it, if `digest` is that of the entry before.
std::uint64_t chain(std::uint64_t digest, const Entry& entry);

inline constexpr std::uint64_t empty_digest = 0xCBF29CE484222325u;

/// What the simulated clients change: a list that commands append to. It is kept as its length
/// and digest, so that two lists are equal when they compare equal, but for chance.
struct State {
  Index applied{};
  std::uint64_t commands = 0;
  std::uint64_t digest = empty_digest;
  friend bool operator==(const State&, const State&) = default;

  /// Requires: the entry follows the one applied last.
  void apply(const Entry& entry);
};

}  // namespace troupe::sim
