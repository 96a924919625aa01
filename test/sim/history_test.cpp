#include "test/sim/history.hpp"

#include "test/sim/cluster.hpp"
#include "test/sim/state.hpp"
#include "test/sim/swarm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace troupe::sim {

namespace {

/// One client writes c4, a command for register 0; two others read that register in turn.
struct Recorded {
  History history{};
  Marks marks{};

  void write(std::uint64_t client, Time called, Time returned, Outcome outcome) {
    history.called({.client = client, .operation = 1, .commands = {"c4"}}, called);
    if (returned != never)
      history.answered({.client = client, .operation = 1, .outcome = outcome}, returned);
  }
  void read(std::uint64_t client, Time called, Time returned, std::uint64_t value) {
    history.called({.client = client, .operation = 1, .key = 0}, called);
    history.answered({.client = client, .operation = 1, .outcome = Outcome::done, .value = value},
                     returned);
  }
};

const std::uint64_t written = effect_of("c4").value;

}  // namespace

TEST_CASE("a read that misses a write that was acknowledged before it is no history of one copy") {
  Recorded told;
  told.write(0, Time(10), Time(20), Outcome::done);
  told.read(1, Time(30), Time(40), 0);

  CHECK(told.history.violation(told.marks).has_value());
}

TEST_CASE("a write in doubt may have happened at any time after it was asked for, or never") {
  Recorded seen_late;
  seen_late.write(0, Time(10), never, Outcome::in_doubt);
  seen_late.read(1, Time(30), Time(40), 0);
  seen_late.read(2, Time(50), Time(60), written);

  Recorded never_seen;
  never_seen.write(0, Time(10), Time(20), Outcome::in_doubt);
  never_seen.read(1, Time(30), Time(40), 0);

  CHECK_FALSE(seen_late.history.violation(seen_late.marks).has_value());
  CHECK(seen_late.marks.count(Mark::history_doubt_read) == 1);
  CHECK_FALSE(never_seen.history.violation(never_seen.marks).has_value());
}

TEST_CASE("a write that was refused is not seen by anybody") {
  Recorded told;
  told.write(0, Time(10), Time(20), Outcome::refused);
  told.read(1, Time(30), Time(40), written);

  CHECK(told.history.violation(told.marks).has_value());
}

TEST_CASE("a read that was never answered says nothing") {
  Recorded told;
  told.write(0, Time(10), Time(20), Outcome::done);
  told.history.called({.client = 1, .operation = 1, .key = 0}, Time(30));

  CHECK_FALSE(told.history.violation(told.marks).has_value());
}

TEST_CASE("answers from a copy that is one read behind are seen by the judges of histories alone") {
  std::uint64_t registers = 0;
  std::uint64_t counters = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Swarm swarm = draw_swarm(seed);
    swarm.clients.read_percent = std::max(swarm.clients.read_percent, 50U);
    swarm.clients.stale_permille = 200;
    const Verdict verdict = run_swarm(swarm);
    if (!verdict.violation)
      continue;
    CAPTURE(*verdict.violation);
    const bool by_order = verdict.violation->starts_with("no order explains");
    const bool by_count = verdict.violation->find("as the number of tickets") != std::string::npos;
    CHECK((by_order || by_count));
    registers += by_order ? 1 : 0;
    counters += by_count ? 1 : 0;
  }
  CHECK(registers + counters > 10);
  CHECK(registers > 0);
  CHECK(counters > 0);
}

}  // namespace troupe::sim
