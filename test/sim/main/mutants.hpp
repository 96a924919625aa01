#pragma once

#include "test/sim/main/workers.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace troupe::sim {

/// Which mistakes the engine makes. In a simulator that is linked to the product's core there are
/// none to choose from.
struct MutantArguments {
  bool all = false;
  std::string one{};
};

void add_mutant_options(CLI::App& app, MutantArguments& arguments);

/// What a command that replays a run must say of it: " --mutant vote_twice", or nothing.
std::string mutant_option();

/// Makes the mistake that was chosen, if one was.
void make_chosen_mistake(const MutantArguments& arguments);

/// Makes one mistake after the other, each over the seeds of `batch` until a run fails. Returns
/// what the process returns: 0 if all were caught but those that seeds are known not to reach.
int catch_mutants(const Batch& batch, bool json);

}  // namespace troupe::sim
