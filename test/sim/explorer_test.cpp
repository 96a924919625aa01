#include "test/sim/explorer/explorer.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace troupe::sim {

namespace {

// The sanitizers are ten times slower; what they look for is in the first steps as well.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned shallower = 3;
#else
constexpr unsigned shallower = 0;
#endif

/// The least number of states that an exploration of interest meets.
constexpr std::uint64_t states_min = shallower > 0 ? 20 : 500;

}  // namespace

TEST_CASE("no way through a small cluster breaks a rule") {
  for (const Scenario& scenario : scenarios()) {
    const std::string name(scenario.name);
    CAPTURE(name);

    const Explored explored = explore(scenario, scenario.depth - shallower);

    CHECK_MESSAGE(explored.violation.value_or("") == "", tell(scenario, explored.way));
    CHECK(explored.states >= states_min);
  }
}

TEST_CASE("the same exploration meets the same states") {
  const Scenario& scenario = scenarios().front();

  const Explored first = explore(scenario, 5);
  const Explored second = explore(scenario, 5);

  CHECK(first.states == second.states);
  CHECK(first.actions == second.actions);
}

TEST_CASE("an exploration that runs out of ways says so, and one that is cut short does not") {
  Scenario scenario = scenarios().front();
  scenario.budget = {.campaigns = 1};

  CHECK(explore(scenario, 20).complete);
  CHECK_FALSE(explore(scenario, 1).complete);
}

TEST_CASE("a world tells what happened, and equal worlds have equal digests") {
  const Scenario& scenario = scenarios().front();
  World one(scenario);
  World other(scenario);
  const std::vector<Action> actions = one.actions();
  REQUIRE_FALSE(actions.empty());

  one.perform(actions.front());
  CHECK(one.digest() != other.digest());
  other.perform(actions.front());

  CHECK(one.digest() == other.digest());
  CHECK(tell(scenario, {actions.front()}).find(World(scenario).describe(actions.front()))
        != std::string::npos);
}

}  // namespace troupe::sim
