#include "test/core/subject.hpp"

#include <doctest/doctest.h>

namespace troupe::test {
namespace {

TEST_CASE("who decides alone leads again as soon as it starts") {
  Engine alone(options(), Subject::recovered({}, {.term = {1}, .voted_for = self}, voters({1})),
               Time{});
  CHECK(alone.next_deadline() == Time{});
  alone.step(Tick{});
  while (alone.has_output())
    if (const Output output = alone.take_output(); output.write)
      alone.step(Persisted{output.write->id});

  CHECK(alone.role() == Role::leader);
  CHECK(alone.view().commit == Index{2});
}

TEST_CASE("who decides alone and voted for another waits for its time to be over (§6.4.1)") {
  Engine alone(options(), Subject::recovered({}, {.term = {1}, .voted_for = {2}}, voters({1})),
               Time{});

  CHECK(alone.next_deadline() >= options().election_timeout_min);
}

TEST_CASE("who needs others waits for a leader first") {
  const Engine one_of_three(
      options(), Subject::recovered({}, {.term = {1}, .voted_for = self}, voters({1, 2, 3})),
      Time{});

  CHECK(one_of_three.next_deadline() >= options().election_timeout_min);
}

}  // namespace
}  // namespace troupe::test
