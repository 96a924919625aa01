#include "actors/runtime/urgent_threads.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <optional>
#include <thread>

namespace troupe::actors::test {
namespace {

Scheduling of_new_thread() {
  Scheduling scheduling;
  std::thread([&] { CHECK(read_scheduling(scheduling)); }).join();
  return scheduling;
}

TEST_CASE("threads that a node starts are more urgent than those of the program") {
  // In a thread of its own: nobody else's urgency changes.
  std::thread([] {
    Scheduling before;
    REQUIRE(read_scheduling(before));
    Scheduling within;
    {
      const UrgentThreads urgent;
      within = of_new_thread();
    }
    const Scheduling after = of_new_thread();
    CHECK(after.nice == before.nice);
    CHECK(after.slice_ns == before.slice_ns);
    CHECK(after.policy == before.policy);
    // A kernel that tells of slices grants a short one, and then nobody else loses by it.
    if (before.slice_ns != 0) {
      CHECK(within.slice_ns < before.slice_ns);
      CHECK(within.nice == before.nice);
    } else {
      CHECK(within.nice <= before.nice);
    }
  }).join();
}

TEST_CASE("a nice value that an operator chose stays") {
  std::thread([] {
    REQUIRE(::setpriority(PRIO_PROCESS, 0, 5) == 0);
    const UrgentThreads urgent;
    CHECK(of_new_thread().nice == 5);
  }).join();
}

}  // namespace
}  // namespace troupe::actors::test
