#include "core/election_timer.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using Waits = ElectionTimer::Waits;

/// Timeouts from 150 to 300 ms, heartbeats of 30 ms.
constexpr EngineOptions options{.self = {1}, .seed = 42};
constexpr Time now{1s};

/// How long the timer waits that is reset now.
Duration timeout(ElectionTimer& timer, Waits waits) {
  timer.reset(now, waits);
  return timer.deadline() - now;
}

}  // namespace

TEST_SUITE_BEGIN("election timer");

TEST_CASE("each timeout is drawn anew between the shortest and the longest") {
  ElectionTimer timer(options);
  CHECK(timer.deadline() == never);
  std::set<Duration> drawn;
  for (int i = 0; i < 100; ++i)
    drawn.insert(timeout(timer, Waits::follower));

  CHECK(drawn.size() > 90);
  CHECK(*drawn.begin() >= options.election_timeout_min);
  CHECK(*drawn.rbegin() < options.election_timeout_max);
}

TEST_CASE("the timeout of a candidate doubles with each candidacy that nobody won") {
  ElectionTimer timer(options);
  CHECK(timeout(timer, Waits::candidate) < 300ms);
  timer.candidacy_failed();
  CHECK(timeout(timer, Waits::candidate) >= 450ms);
  CHECK(timeout(timer, Waits::follower) < 300ms);
  for (int i = 0; i < 100; ++i)
    timer.candidacy_failed();
  CHECK(timeout(timer, Waits::candidate) < 32 * 300ms);

  timer.found_leader();
  CHECK(timeout(timer, Waits::candidate) < 300ms);
}

TEST_CASE("an outsider backs off with each election that it calls, until it votes again") {
  ElectionTimer timer(options);
  timer.called_election(Waits::outsider);
  CHECK(timeout(timer, Waits::outsider) >= 450ms);
  timer.called_election(Waits::outsider);
  CHECK(timeout(timer, Waits::outsider) >= 1050ms);

  timer.called_election(Waits::follower);
  CHECK(timeout(timer, Waits::outsider) < 300ms);
}

TEST_CASE("the shortest timeout after a leader was heard, a promise to it binds") {
  ElectionTimer timer(options);
  CHECK_FALSE(timer.is_bound(now));
  timer.heard_leader(now);

  CHECK(timer.is_bound(now + options.election_timeout_min - 1us));
  CHECK_FALSE(timer.is_bound(now + options.election_timeout_min));
}

TEST_CASE("a broken connection brings the election to when others may vote, at random") {
  std::set<Time> deadlines;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EngineOptions drawn = options;
    drawn.seed = seed;
    ElectionTimer timer(drawn);
    timer.heard_leader(now);
    timer.hasten(now);
    deadlines.insert(timer.deadline());
  }

  CHECK(deadlines.size() > 15);
  CHECK(*deadlines.begin() > now + options.election_timeout_min);
  CHECK(*deadlines.rbegin() < now + options.election_timeout_min + options.heartbeat_interval);
}

TEST_CASE("a peer that never heard a leader does not hasten") {
  ElectionTimer timer(options);
  timer.hasten(now);

  CHECK(timer.deadline() == never);
}

TEST_CASE("a peer that grants a pre-vote lets the other go first") {
  ElectionTimer timer(options);
  timer.expire(now);
  timer.defer(now);
  CHECK(timer.deadline() == now + options.heartbeat_interval / 2);

  timer.reset(now, Waits::follower);
  const Time later = timer.deadline();
  timer.defer(now);
  CHECK(timer.deadline() == later);
}

TEST_CASE("a timeout that begins again never ends sooner") {
  ElectionTimer timer(options);
  const Duration drawn = timeout(timer, Waits::follower);
  timer.restart(now + 100ms);
  CHECK(timer.deadline() == now + 100ms + drawn);

  timer.extend(1s);
  timer.restart(now + 100ms);
  CHECK(timer.deadline() == now + 1100ms + drawn);
}

TEST_SUITE_END();

}  // namespace troupe::test
