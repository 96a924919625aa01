#pragma once

#include "core/entry.hpp"
#include "core/types.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::sim {

/// Of what `digest` is of, and `bytes` behind it.
std::uint64_t mix(std::uint64_t digest, std::string_view bytes);
inline std::uint64_t mix(std::uint64_t digest, std::uint64_t number) {
  // One multiplication for eight bytes: not for a world that wants to be fooled, but all that is
  // told apart here differs by chance.
  const std::uint64_t product = (digest ^ number) * 0x9E3779B97F4A7C15u;
  return product ^ (product >> 29);
}
/// Of an entry and all before it, if `digest` is that of the entry before.
std::uint64_t chain(std::uint64_t digest, const Entry& entry);

inline constexpr std::uint64_t empty_digest = 0xCBF29CE484222325u;

/// A command for the map: "c12=k..." sets the value of `k`, "c12-k..." deletes it.
struct MapCommand {
  char key = 0;
  bool deletes = false;
};
std::optional<MapCommand> map_command(std::string_view command);

/// A command for one of a few counters: "c12+" takes the next ticket. Which, its number tells.
inline constexpr std::uint64_t counters_count = 2;
std::optional<std::uint64_t> counter_of(std::string_view command);

/// How clients see it: one key gets a value that no other command gives it, or 0 for none. The
/// commands for the list set one of a few registers, too.
struct Effect {
  std::uint64_t key = 0;
  std::uint64_t value = 0;
};
inline constexpr std::uint64_t registers_count = 4;
inline constexpr std::uint64_t first_counter_key = 1000;
Effect effect_of(std::string_view command);

/// What the simulated clients change: a list that commands append to, a map, and counters. The list
/// is kept as its length and digest, so that two lists are equal when they compare equal, but for
/// chance. Nothing that the list is made of can be cleaned from a log, so where logs are cleaned
/// all commands are for the map.
struct State {
  struct Value {
    Index set_by{};
    std::uint64_t digest = 0;
    friend bool operator==(const Value&, const Value&) = default;
  };

  Index applied{};
  std::uint64_t commands = 0;
  std::uint64_t digest = empty_digest;
  std::array<std::uint64_t, registers_count> registers{};
  std::map<char, Value> values{};
  std::array<std::uint64_t, counters_count> tickets{};
  friend bool operator==(const State&, const State&) = default;

  /// Returns what the entry releases. Requires: it follows the one applied last.
  std::vector<Release> apply(const Entry& entry);

  /// What a client reads of a key of the map, of the registers or, from `first_counter_key` on, of
  /// the counters.
  std::uint64_t read(std::uint64_t key) const;

private:
  std::vector<Release> apply(Index index, const MapCommand& asked, std::string_view text);
};

}  // namespace troupe::sim
