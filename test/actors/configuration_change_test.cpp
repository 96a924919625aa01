#include "actors/configuration_change.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using wire::Change;

Member member(std::uint64_t id) {
  return {.id = {id}, .name = "p" + std::to_string(id), .address = "h:1"};
}

const Configuration two_and_one{.voters = {member(1), member(2)}, .learners = {member(3)}};

std::vector<std::string> names(const std::vector<Member>& set) {
  std::vector<std::string> result;
  for (const Member& each : set)
    result.push_back(each.name);
  return result;
}

struct Row {
  Change change;
  std::vector<std::string> members;
  std::vector<std::string> voters;  ///< Empty: refused.
  std::vector<std::string> learners;
};

TEST_CASE("what becomes of the members that a change names") {
  const std::vector<Row> rows = {
      {Change::replace, {"p1", "p3"}, {"p1", "p3"}, {}},
      {Change::replace, {"p9"}, {"p9"}, {}},
      {Change::add_voter, {"p4"}, {"p1", "p2", "p4"}, {"p3"}},
      {Change::add_voter, {"p3"}, {"p1", "p2", "p3"}, {}},
      {Change::add_voter, {"p2"}, {"p1", "p2"}, {"p3"}},
      {Change::add_learner, {"p4"}, {"p1", "p2"}, {"p3", "p4"}},
      {Change::add_learner, {"p2"}, {}, {}},
      {Change::remove, {"p2", "p3"}, {"p1"}, {}},
      {Change::remove, {"p9"}, {}, {}},
      {Change::remove, {"p1", "p2"}, {}, {}},
      {Change::promote, {"p3"}, {"p1", "p2", "p3"}, {}},
      {Change::promote, {"p1"}, {}, {}},
      {Change::demote, {"p1"}, {"p2"}, {"p3", "p1"}},
      {Change::demote, {"p3"}, {}, {}},
  };
  for (const Row& row : rows) {
    std::vector<NamedMember> members;
    for (const std::string& name : row.members)
      members.push_back({.name = name, .address = "h:1"});
    CAPTURE(static_cast<int>(row.change));
    CAPTURE(row.members.front());

    const auto target = changed(two_and_one, row.change, members);

    REQUIRE(static_cast<bool>(target) == !row.voters.empty());
    if (target) {
      CHECK(names(target->voters) == row.voters);
      CHECK(names(target->learners) == row.learners);
    }
  }
}

TEST_CASE("only strangers and those who moved are asked who they are") {
  auto target = *changed(two_and_one, Change::replace,
                         {{.name = "p1", .address = "h:1"},
                          {.name = "p2", .address = "elsewhere:1"},
                          {.name = "p4", .address = "h:1"}});

  const auto unknown = unknown_members(target);

  REQUIRE(unknown.size() == 2);
  CHECK(unknown[0]->name == "p2");
  CHECK(unknown[1]->name == "p4");
  CHECK(target.voters[0].id == PeerId{1});
}

}  // namespace
}  // namespace troupe::actors
