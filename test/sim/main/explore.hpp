#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace troupe::sim {

/// What to explore, and how deep.
struct ExploreArguments {
  std::optional<unsigned> depth{};  ///< 0: as deep as tests do. Unset: explore nothing.
  std::string scenario{};           ///< Empty: all of them.
};

void add_explore_options(CLI::App& app, ExploreArguments& arguments);

/// Returns what the process returns: 0 if no rule was broken.
int explore_all(const ExploreArguments& arguments, bool json);

}  // namespace troupe::sim
