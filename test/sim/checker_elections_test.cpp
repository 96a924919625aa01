#include "test/sim/checker.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

namespace troupe::sim {

namespace {

std::vector<Member> members(std::initializer_list<std::uint64_t> ids) {
  std::vector<Member> result;
  for (const std::uint64_t id : ids)
    result.push_back({.id = {id}});
  return result;
}

/// What a checker says of peer 1 that leads term 2 by the votes of these.
std::string told(std::initializer_list<std::uint64_t> voted, const Configuration& configuration,
                 Term term = {2}) {
  Marks marks;
  Checker checker(marks);
  for (const std::uint64_t id : voted)
    checker.durable({id}, {.id = {1},
                           .hard_state = {.term = {2}, .voted_for = {1}, .cluster = {1}},
                           .truncate_from = {},
                           .entries = {}});
  checker.won({1}, term, configuration);
  return checker.violation().value_or("");
}

const std::string wrong = "peer 1: leads term 2 without the votes of a quorum";

}  // namespace

TEST_CASE("a checker sees a leader without the votes of a majority") {
  CHECK(told({1, 2}, {.voters = members({1, 2, 3})}) == "");
  CHECK(told({1}, {.voters = members({1, 2, 3})}) == wrong);
  CHECK(told({1, 2}, {.voters = members({1, 2, 3, 4})}) == wrong);
  CHECK(told({1, 4}, {.voters = members({1, 2, 3}), .learners = members({4})}) == wrong);
}

TEST_CASE(
    "a checker sees a leader that lacks the old voters of a joint configuration, or the new") {
  const Configuration joint{.voters = members({1, 2, 3}), .old_voters = members({1, 4, 5})};
  CHECK(told({1, 2, 4}, joint) == "");
  CHECK(told({1, 2, 3}, joint) == wrong);
  CHECK(told({1, 4, 5}, joint) == wrong);
}

TEST_CASE("a checker sees a leader that was elected by votes of another term") {
  CHECK(told({1, 2}, {.voters = members({1, 2, 3})}, {3})
        == "peer 1: leads term 3 without the votes of a quorum");
}

}  // namespace troupe::sim
