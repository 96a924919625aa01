#include "test/sim/main/explore.hpp"

#include "test/sim/explorer/explorer.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace troupe::sim {

namespace {

void print(const Scenario& scenario, const Explored& explored, double seconds, bool json) {
  const std::string name(scenario.name);
  const auto states = static_cast<unsigned long long>(explored.states);
  const auto actions = static_cast<unsigned long long>(explored.actions);
  if (json) {
    std::printf(
        "{\"scenario\":\"%s\",\"depth\":%u,\"complete\":%s,\"states\":%llu,\"actions\":"
        "%llu,\"seconds\":%.2f,\"violations\":%d}\n",
        name.c_str(), explored.depth, explored.complete ? "true" : "false", states, actions,
        seconds, explored.violation ? 1 : 0);
  } else {
    std::printf("%-16s %5u%s %10llu %12llu %8.2f  %s\n", name.c_str(), explored.depth,
                explored.complete ? "*" : " ", states, actions, seconds,
                explored.violation ? explored.violation->c_str() : "ok");
    if (explored.violation)
      std::cout << tell(scenario, explored.way);
  }
  std::fflush(stdout);
}

}  // namespace

void add_explore_options(CLI::App& app, ExploreArguments& arguments) {
  std::vector<std::string> names;
  for (const Scenario& scenario : scenarios())
    names.emplace_back(scenario.name);
  app.add_option("--explore", arguments.depth,
                 "go all ways of so many actions in small clusters; without a number, as tests do")
      ->expected(0, 1)
      ->default_str("0");
  app.add_option("--scenario", arguments.scenario, "with --explore: in this one only")
      ->check(CLI::IsMember(names));
}

int explore_all(const ExploreArguments& arguments, bool json) {
  using Seconds = std::chrono::duration<double>;
  if (!json)
    std::printf("%-16s %6s %10s %12s %8s\n", "scenario", "depth", "states", "actions", "seconds");
  bool broken = false;
  for (const Scenario& scenario : scenarios()) {
    if (!arguments.scenario.empty() && arguments.scenario != scenario.name)
      continue;
    const auto begin = std::chrono::steady_clock::now();
    const unsigned depth = arguments.depth.value_or(0);
    const Explored explored = explore(scenario, depth == 0 ? scenario.depth : depth);
    const Seconds taken = std::chrono::steady_clock::now() - begin;
    print(scenario, explored, taken.count(), json);
    broken = broken || explored.violation;
  }
  if (!json)
    std::printf("*: there is nothing deeper\n");
  return broken ? 1 : 0;
}

}  // namespace troupe::sim
