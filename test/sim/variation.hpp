#pragma once

#include "core/types.hpp"
#include "test/sim/swarm.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::sim {

/// A seed's run with something left out, so that what remains can be understood. Few things that
/// are left out leave the rest as it was; `dice` then finds a run that fails all the same.
struct Variation {
  std::set<std::string, std::less<>> without{};  ///< Kinds of faults, by `fault_names`.
  std::optional<Duration> stop_after{};          ///< Faults strike no longer.
  std::optional<unsigned> peers{};
  std::optional<unsigned> spares{};
  std::optional<unsigned> clients{};
  std::optional<std::uint64_t> dice{};  ///< The same parameters, and other chance.
  friend bool operator==(const Variation&, const Variation&) = default;
};

/// Everything that can be left out of a run and leaves a run.
std::vector<std::string_view> fault_names();

/// Whether leaving `fault` out changes anything. Requires: one of `fault_names`.
bool strikes(std::string_view fault, const Swarm& swarm);

Swarm vary(Swarm swarm, const Variation& variation);

/// "3.2s" and "150ms"; nothing if it is neither.
std::optional<Duration> parse_duration(std::string_view text);

/// The one line that replays it: "./dev sim --seed 7 --without crash,split --stop-after 3.2s".
std::string command(std::uint64_t seed, const Variation& variation);

}  // namespace troupe::sim
