#include "test/sim/shrink.hpp"

#include "test/sim/cluster.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <string>

namespace troupe::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A swarm in which everything strikes.
Swarm everything() {
  Swarm swarm = draw_swarm(1);
  swarm.peers = 5;
  swarm.spares = 2;
  swarm.chaos = seconds(8);
  swarm.faults = {.pause_between = milliseconds(100),
                  .length_max = milliseconds(100),
                  .crash = 1,
                  .crash_leader = 1,
                  .power_cut = 1,
                  .pause = 1,
                  .isolate = 1,
                  .isolate_leader = 1,
                  .split = 1,
                  .one_way = 1,
                  .bridge = 1,
                  .clog = 1,
                  .transfer = 1,
                  .clock_rate = 1,
                  .change = 1,
                  .crash_between_parts_permille = 1,
                  .change_when_elected_permille = 1};
  swarm.clients.clients = 4;
  return swarm;
}

/// Breaks at 3 s, if peers crash while the network is split, there are three or more of them, and
/// chance wants it.
std::optional<Failure> planted(const Swarm& swarm) {
  const bool unlucky = swarm.seed % 4 == 1;
  if (swarm.faults.crash == 0 || swarm.faults.split == 0 || swarm.peers < 3
      || swarm.chaos < milliseconds(3000) || !unlucky)
    return std::nullopt;
  return Failure{"peer " + std::to_string(swarm.peers) + " is wrong", Time{milliseconds(3000)}};
}

}  // namespace

TEST_CASE("of a failing run only what it needs to fail is left") {
  const auto shrunk = shrink(everything(), planted);

  REQUIRE(shrunk);
  const Swarm left = vary(everything(), shrunk->variation);
  CHECK(planted(left));
  for (const std::string_view fault : fault_names()) {
    CAPTURE(fault);
    CHECK(strikes(fault, left) == (fault == "crash" || fault == "split"));
  }
  CHECK(left.peers == 3);
  CHECK(left.spares == 0);
  CHECK(left.clients.clients == 1);
  CHECK(left.chaos == milliseconds(3000));
  CHECK(shrunk->failure.what == "peer 3 is wrong");
}

TEST_CASE("a run that fails in another way is not a smaller run that fails") {
  const auto shrunk = shrink(everything(), [](const Swarm& swarm) {
    return std::optional(Failure{swarm.peers == 5 ? "wrong" : "wrong in another way", {}});
  });

  REQUIRE(shrunk);
  CHECK_FALSE(shrunk->variation.peers);
  CHECK(shrunk->failure.what == "wrong");
}

TEST_CASE("a failure of which no moment is known is shortened by trying") {
  const auto shrunk = shrink(everything(), [](const Swarm& swarm) {
    return swarm.chaos < milliseconds(1234) ? std::nullopt : std::optional(Failure{"died", {}});
  });

  REQUIRE(shrunk);
  CHECK(*shrunk->variation.stop_after >= milliseconds(1234));
  CHECK(*shrunk->variation.stop_after < milliseconds(1300));
}

TEST_CASE("shrinking ends in time, and a run that does not fail is not shrunk") {
  std::size_t runs = 0;
  const auto shrunk = shrink(
      everything(),
      [&](const Swarm& swarm) {
        ++runs;
        return planted(swarm);
      },
      40);

  REQUIRE(shrunk);
  CHECK(runs <= 40);
  CHECK(shrunk->runs == runs);
  CHECK_FALSE(shrink(everything(), [](const Swarm&) { return std::optional<Failure>{}; }));
}

TEST_CASE("the command that replays a shrunk run names all that was left out") {
  const Variation variation{.without = {"split", "crash"},
                            .stop_after = milliseconds(3200),
                            .peers = 3,
                            .spares = {},
                            .clients = 1,
                            .dice = 5};

  CHECK(command(7, variation)
        == "./dev sim --seed 7 --without crash,split --peers 3 --clients 1 --dice 5"
           " --stop-after 3200ms");
  CHECK(command(7, {}) == "./dev sim --seed 7");
  CHECK(parse_duration("3200ms") == milliseconds(3200));
  CHECK(parse_duration("3.2s") == milliseconds(3200));
  for (const char* const nonsense : {"", "s", "3", "3m", "-1s", "3.2 s", "1e9s"})
    CHECK_FALSE(parse_duration(nonsense));
}

TEST_CASE("every fault that a swarm draws can be left out") {
  Variation nothing_strikes;
  for (const std::string_view fault : fault_names())
    nothing_strikes.without.emplace(fault);

  // All that stands behind the two durations in the line of the faults is a weight or a chance.
  std::istringstream lines(describe(vary(everything(), nothing_strikes)));
  std::string faults;
  while (std::getline(lines, faults) && !faults.starts_with("faults "))
    continue;
  std::istringstream words(faults);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || word.find("_us=") != std::string::npos)
      continue;
    CAPTURE(word);
    CHECK(word.substr(equals) == "=0");
  }
}

TEST_CASE("a varied run is a run: it replays, and keeps every promise") {
  Variation variation{.without = {}, .stop_after = seconds(2), .peers = 2, .clients = 1, .dice = 3};
  variation.without.insert({"crash", "loss", "batch"});
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    const Swarm swarm = vary(draw_swarm(seed), variation);
    const Verdict verdict = run_swarm(swarm);
    CHECK_FALSE(verdict.violation);
    CHECK(verdict.digest == run_swarm(swarm).digest);
  }
}

}  // namespace troupe::sim
