#include "test/sim/clock.hpp"
#include "test/sim/cluster.hpp"
#include "test/sim/swarm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace troupe::sim {

namespace {

// A few hundred each for the sanitizers, which are ten times slower. `./dev sim` runs any number.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t seeds_max = 300;
#else
constexpr std::uint64_t seeds_max = 3000;
#endif
constexpr std::uint64_t first_seed = 1'000'000;

std::string told_violation(std::uint64_t seed, Marks& marks) {
  const Verdict verdict = run_seed(seed);
  marks.add(verdict.marks);
  return verdict.violation ? *verdict.violation + " (./dev sim --seed " + std::to_string(seed) + ")"
                           : "";
}

}  // namespace

TEST_CASE("clusters keep every promise under any mix of faults, and work again when healed") {
  Marks marks;
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds_max; ++seed) {
    CAPTURE(seed);
    CHECK(told_violation(seed, marks) == "");
  }

  // Else the faults were not what they seemed, and the rest shows nothing. A few hundred seeds are
  // too few for the rarest.
  if (seeds_max < 3000)
    return;
  for (const Mark mark : marks.missing()) {
    const std::string missing(name(mark));
    CAPTURE(missing);
    CHECK_MESSAGE(false, "this never happened");
  }
}

TEST_CASE("the protocol alone keeps its promises, too, in more and shorter runs") {
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds_max; ++seed) {
    CAPTURE(seed);
    const Verdict verdict = run_seed(seed, Extent::plain);
    CHECK(verdict.violation.value_or("") == "");
    CHECK(verdict.simulated >= plain_ticks * plain_tick);
  }
  CHECK(run_seed(7, Extent::plain).digest == run_seed(7, Extent::plain).digest);
  CHECK(run_seed(7, Extent::plain).digest != run_seed(7).digest);
}

TEST_CASE("seeds that once failed do not any more") {
  // Each file of regressions begins with why its seeds are there; a line is a seed.
  Marks marks;
  for (const auto& file : std::filesystem::directory_iterator(SOURCE_DIR "/test/sim/regressions")) {
    const std::string path = file.path().filename().string();
    CAPTURE(path);
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);)
      if (!line.empty() && line.front() != '#')
        CHECK(told_violation(std::stoull(line), marks) == "");
  }
}

TEST_CASE("the same seed is the same run, and another seed is another") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    CHECK(run_seed(seed).digest == run_seed(seed).digest);
  CHECK(run_seed(7).digest != run_seed(8).digest);
}

TEST_CASE("to look at a run does not change it") {
  std::ostringstream trace;

  const Verdict traced = run_seed(5, Extent::whole, &trace);

  CHECK(traced.digest == run_seed(5).digest);
  CHECK(trace.str().find("append_request") != std::string::npos);
}

TEST_CASE("no two clocks of a seed drift apart by more than its engines are told (§6.4.1)") {
  std::uint64_t exact = 0;
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    const Swarm swarm = draw_swarm(seed);
    const bool faults = swarm.faults.clock_rate > 0;
    const Clock slow(
        Time(3), Time(7),
        std::min(swarm.clock_rate_min_permille, faults ? clock_fault_min_permille : 1000));
    const Clock fast(
        Time(3), Time(11),
        std::max(swarm.clock_rate_max_permille, faults ? clock_fault_max_permille : 1000));
    const Time begin(123'457);
    CAPTURE(seed);

    const Time end = fast.real(fast.local(begin) + swarm.engine.election_timeout_min);
    const Duration leaders = slow.local(end) - slow.local(begin);
    CHECK(leaders + swarm.engine.clock_error >= swarm.engine.election_timeout_min);
    exact += leaders + swarm.engine.clock_error <= swarm.engine.election_timeout_min + Duration(8)
                 ? 1u
                 : 0u;
  }
  CHECK(exact > 1000);  // Else a lease that is a little too long would never be found.
}

TEST_CASE("every seed draws options that an engine accepts") {
  const auto check = [](std::uint64_t seed, Extent extent) {
    Swarm swarm = draw_swarm(seed, extent);
    swarm.engine.self = {1};
    CAPTURE(seed);
    CHECK(problem(swarm.engine) == "");
    CHECK(describe(swarm) == describe(draw_swarm(seed, extent)));
  };
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    check(seed, Extent::whole);
    check(seed, Extent::plain);
  }
  check(700732, Extent::plain);  // Drew a short `quiet_interval` before a long heartbeat.
}

}  // namespace troupe::sim
