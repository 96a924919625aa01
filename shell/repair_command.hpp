#pragma once

#include "shell/repair.hpp"
#include "shell/settings.hpp"
#include "storage/store.hpp"

#include <functional>
#include <string>

namespace troupe::shell {

/// What a repair needs of the world.
struct RepairTools {
  AskNodes ask{};
  /// Shows what would be done; whether to do it.
  std::function<bool(const std::string& report)> confirm{};
  ClusterId cluster{};  ///< Drawn at random: the new cluster's.
  /// Adds a line to the log of repairs, durably. False if that can't be.
  std::function<bool(const std::string& line)> note{};
};

/// Makes the peer `settings.peer` of `store` a cluster of its own, if nothing speaks against it.
/// Answers with its configuration.
Reply force_configuration(storage::Store& store, const RepairSettings& settings,
                          const RepairTools& tools);

/// `troupe repair force-configuration`. Returns the exit code.
int run_repair(const RepairSettings& settings);

}  // namespace troupe::shell
