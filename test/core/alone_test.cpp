#include "test/core/subject.hpp"

#include <doctest/doctest.h>

namespace troupe::test {
namespace {

TEST_CASE("who decides alone leads again as soon as it starts") {
  Subject alone({}, {.term = {1}}, voters({1}));
  CHECK(alone.engine.next_deadline() == alone.now);

  alone.tick(Duration{0});

  CHECK(alone.role() == Role::leader);
  CHECK(alone.commit() == Index{2});
}

TEST_CASE("who needs others waits for a leader first") {
  Subject one_of_three;

  one_of_three.tick(Duration{0});

  CHECK(one_of_three.role() == Role::follower);
  CHECK(one_of_three.engine.next_deadline() >= options().election_timeout_min);
}

}  // namespace
}  // namespace troupe::test
