#include "core/invariants.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <string>

namespace troupe::test {

namespace {

EngineView healthy() {
  return {.self = {1},
          .role = Role::leader,
          .hard_state = {.term = {3}, .voted_for = {1}, .cluster = our_cluster},
          .leader = {1},
          .first = {1},
          .last = {{3}, {9}},
          .commit = {7},
          .applied = {6},
          .persisted = {8},
          .written = {4},
          .configuration = voters({1, 2, 3}),
          .configuration_index = {1},
          .followers = {{{2}, {.match = {7}, .next = {9}}}, {{3}, {.match = {9}, .next = {10}}}}};
}

}  // namespace

TEST_CASE("a healthy engine breaks no rule") {
  CHECK(!broken_invariant(healthy(), healthy()));
}

TEST_CASE("each rule notices what breaks it") {
  struct Case {
    const char* rule;
    void (*spoil)(EngineView& before, EngineView& now);
  };
  using View = EngineView;
  const Case cases[] = {
      {"applied <= commit", [](View&, View& now) { now.applied = {8}; }},
      {"commit <= last", [](View&, View& now) { now.commit = {10}; }},
      {"persisted <= last", [](View&, View& now) { now.persisted = {10}; }},
      {"no entry is from a term we have not reached",
       [](View&, View& now) { now.last.term = {4}; }},
      {"a leader knows that it leads", [](View&, View& now) { now.leader = nobody; }},
      {"who does not lead does not say so", [](View&, View& now) { now.role = Role::follower; }},
      {"a leader or candidate voted for itself",
       [](View&, View& now) { now.hard_state.voted_for = {2}; }},
      {"the configuration in force is in the log",
       [](View&, View& now) { now.configuration_index = {10}; }},
      {"match < next", [](View&, View& now) { now.followers[{2}].next = {7}; }},
      {"a follower matches no more than the leader has",
       [](View&, View& now) { now.followers[{2}] = {.match = {10}, .next = {11}}; }},
      {"terms do not go back", [](View& before, View&) { before.hard_state.term = {4}; }},
      {"what is committed stays committed", [](View& before, View&) { before.commit = {8}; }},
      {"what is applied stays applied", [](View& before, View&) { before.applied = {7}; }},
      {"a peer stays in its cluster", [](View& before, View&) { before.hard_state.cluster = {5}; }},
      {"one vote a term", [](View& before, View&) { before.hard_state.voted_for = {2}; }},
      {"one leader a term",
       [](View& before, View&) {
         before.role = Role::follower;
         before.leader = {2};
       }},
      {"a leader only appends", [](View& before, View&) { before.last.index = {10}; }},
  };
  for (const Case& c : cases) {
    EngineView before = healthy();
    EngineView now = healthy();
    c.spoil(before, now);
    CHECK(std::string(broken_invariant(before, now).value_or("nothing")) == c.rule);
  }
}

TEST_CASE("a new term may bring another vote and another leader") {
  EngineView before = healthy();
  before.hard_state = {.term = {2}, .voted_for = {2}, .cluster = our_cluster};
  before.role = Role::follower;
  before.leader = {2};
  before.last = {{2}, {20}};

  CHECK(!broken_invariant(before, healthy()));
}

}  // namespace troupe::test
