#pragma once

#include "test/sim/explorer/world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// What became of an exploration.
struct Explored {
  unsigned depth = 0;        ///< All ways of so many actions were gone.
  std::uint64_t states = 0;  ///< That differ.
  std::uint64_t actions = 0;
  bool complete = false;  ///< There is nothing deeper.
  std::optional<std::string> violation{};
  std::vector<Action> way{};  ///< A shortest one there.
};

/// Goes all ways of up to `depth` actions from the beginning of `scenario`, the shorter ones first,
/// until a rule is broken. States that were met before are not explored again.
Explored explore(const Scenario& scenario, unsigned depth);

/// The way in words, an action a line with the peers as they are behind it.
std::string tell(const Scenario& scenario, const std::vector<Action>& way);

/// Each with what it is for.
const std::vector<Scenario>& scenarios();

}  // namespace troupe::sim
