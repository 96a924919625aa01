#include "actors/runtime/gathering.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace troupe::actors {
namespace {

/// How often somebody is told when so many peers start one after the other, a millisecond each, and
/// those who run are told.
std::size_t told_by_starts(std::size_t peers) {
  Gathering gathering;
  Time due = never;
  Time now{};
  std::size_t told = 0;
  const auto tell = [&](std::size_t listeners) {
    gathering.told();
    due = never;
    told += listeners;
  };
  for (std::size_t running = 1; running <= peers; ++running) {
    now += std::chrono::milliseconds(1);
    if (now >= due)
      tell(running - 1);
    if (const auto wait = gathering.news_for(running))
      due = now + *wait;
    if (now >= due)
      tell(running);
  }
  if (due != never)
    tell(peers);
  return told;
}

}  // namespace

TEST_CASE("to start many peers one by one tells each of them a few times, however many they are") {
  CHECK(told_by_starts(10) == 55);  // Few are told at once, and each time.
  CHECK(told_by_starts(100) <= 20 * 100);
  CHECK(told_by_starts(1000) <= 20 * 1000);
  CHECK(told_by_starts(10'000) <= 20 * 10'000);
}

TEST_CASE("news that waits already is told with what comes behind it") {
  Gathering gathering;

  CHECK(gathering.news_for(1000) > Duration::zero());
  CHECK(gathering.news_for(1000) == std::nullopt);
  gathering.told();
  CHECK(gathering.news_for(1000) > Duration::zero());
}

}  // namespace troupe::actors
