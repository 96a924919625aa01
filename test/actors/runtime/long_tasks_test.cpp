#include "actors/runtime/long_tasks.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

TEST_CASE("short tasks keep nobody away") {
  LongTasks tasks;

  tasks.note(100us, 1s);

  CHECK_FALSE(tasks.should_stay_away(1s));
}

TEST_CASE("a long task sends away for a while") {
  LongTasks tasks;

  tasks.note(5ms, 1s);

  CHECK(tasks.should_stay_away(1s));
  CHECK(tasks.should_stay_away(1s + 99ms));
  CHECK_FALSE(tasks.should_stay_away(1s + 100ms));
}

TEST_CASE("who is long again and again stays away ever longer, up to a minute") {
  LongTasks tasks;
  for (int i = 0; i < 20; ++i)
    tasks.note(5ms, 1s);

  CHECK(tasks.should_stay_away(60s));
  CHECK_FALSE(tasks.should_stay_away(61s));

  tasks.note(5ms, 61s);  // Back, and at once long again.
  CHECK(tasks.should_stay_away(120s));
}

TEST_CASE("who was short for as long as it was away begins anew") {
  LongTasks tasks;
  tasks.note(5ms, 1s);
  tasks.note(5ms, 1s);  // Away until 1.2 s.

  tasks.note(5ms, 1s + 400ms);

  CHECK(tasks.should_stay_away(1s + 499ms));
  CHECK_FALSE(tasks.should_stay_away(1s + 500ms));
}

}  // namespace
}  // namespace troupe::actors
