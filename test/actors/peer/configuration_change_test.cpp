#include "actors/peer/configuration_change.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using wire::Change;

Member member(std::uint64_t id) {
  return {.id = {id}, .name = "p" + std::to_string(id), .address = "h:1"};
}

const Configuration four{.voters = {member(1), member(2)},
                         .old_voters = {},
                         .learners = {member(3)},
                         .standbys = {member(5)},
                         .keep = {.count = 3, .after = Duration(7)}};

std::vector<std::string> names(const std::vector<Member>& set) {
  std::vector<std::string> result;
  result.reserve(set.size());
  for (const Member& each : set)
    result.push_back(each.name);
  return result;
}

struct Row {
  Change change;
  std::vector<std::string> members;
  std::vector<std::string> voters;  ///< Empty: refused.
  std::vector<std::string> learners;
  std::vector<std::string> standbys;
};

TEST_CASE("what becomes of the members that a change names") {
  const std::vector<Row> rows = {
      {Change::replace, {"p1", "p3"}, {"p1", "p3"}, {}, {}},
      {Change::replace, {"p9"}, {"p9"}, {}, {}},
      {Change::add_voter, {"p4"}, {"p1", "p2", "p4"}, {"p3"}, {"p5"}},
      {Change::add_voter, {"p3"}, {"p1", "p2", "p3"}, {}, {"p5"}},
      {Change::add_voter, {"p5"}, {"p1", "p2", "p5"}, {"p3"}, {}},
      {Change::add_voter, {"p2"}, {"p1", "p2"}, {"p3"}, {"p5"}},
      {Change::add_learner, {"p4"}, {"p1", "p2"}, {"p3", "p4"}, {"p5"}},
      {Change::add_learner, {"p5"}, {"p1", "p2"}, {"p3", "p5"}, {}},
      {Change::add_learner, {"p2"}, {}, {}, {}},
      {Change::add_standby, {"p4"}, {"p1", "p2"}, {"p3"}, {"p5", "p4"}},
      {Change::add_standby, {"p5"}, {"p1", "p2"}, {"p3"}, {"p5"}},
      {Change::add_standby, {"p3"}, {}, {}, {}},
      {Change::remove, {"p2", "p3"}, {"p1"}, {}, {"p5"}},
      {Change::remove, {"p5"}, {"p1", "p2"}, {"p3"}, {}},
      {Change::remove, {"p9"}, {}, {}, {}},
      {Change::remove, {"p1", "p2"}, {}, {}, {}},
      {Change::promote, {"p3"}, {"p1", "p2", "p3"}, {}, {"p5"}},
      {Change::promote, {"p5"}, {"p1", "p2"}, {"p3", "p5"}, {}},
      {Change::promote, {"p1"}, {}, {}, {}},
      {Change::promote, {"p9"}, {}, {}, {}},
      {Change::demote, {"p1"}, {"p2"}, {"p3", "p1"}, {"p5"}},
      {Change::demote, {"p3"}, {"p1", "p2"}, {}, {"p5", "p3"}},
      {Change::demote, {"p5"}, {}, {}, {}},
      {Change::keep_voters, {"p1"}, {}, {}, {}},
  };
  for (const Row& row : rows) {
    std::vector<NamedMember> members;
    for (const std::string& name : row.members)
      members.push_back({.name = name, .address = "h:1"});
    CAPTURE(static_cast<int>(row.change));
    CAPTURE(row.members.front());

    const auto target = changed(four, {.members = {}, .change = row.change, .keep = {}}, members);

    REQUIRE(static_cast<bool>(target) == !row.voters.empty());
    if (target) {
      CHECK(names(target->voters) == row.voters);
      CHECK(names(target->learners) == row.learners);
      CHECK(names(target->standbys) == row.standbys);
      CHECK(target->keep == four.keep);
    }
  }
}

TEST_CASE("who has a rank is not given a lower one by the way") {
  const wire::SetConfiguration learner{.members = {}, .change = Change::add_learner, .keep = {}};
  const auto refused = changed(four, learner, {{.name = "p2", .address = "h:1"}});

  CHECK(refused.refusal() == Refusal::invalid);
  CHECK(refused.detail() == "p2 is a voter; demote it");
}

TEST_CASE("a name that stands there twice is one member: what it was, and what it was becoming") {
  Configuration halfway = four;
  Member reborn = member(2);
  reborn.id = {22};
  halfway.learners.push_back(reborn);
  const std::vector<NamedMember> named{{.name = "p2", .address = "h:1"}};

  const auto added =
      *changed(halfway, {.members = {}, .change = Change::add_voter, .keep = {}}, named);
  const auto removed =
      *changed(halfway, {.members = {}, .change = Change::remove, .keep = {}}, named);

  CHECK(names(added.voters) == std::vector<std::string>{"p1", "p2"});
  CHECK(names(added.learners) == std::vector<std::string>{"p3"});
  CHECK(names(removed.voters) == std::vector<std::string>{"p1"});
  CHECK(names(removed.learners) == std::vector<std::string>{"p3"});
}

TEST_CASE("how many voters to keep changes, and nothing else") {
  const VoterPolicy keep{.count = 5, .after = Duration(9)};
  Configuration expected = four;
  expected.keep = keep;

  const wire::SetConfiguration wanted{.members = {}, .change = Change::keep_voters, .keep = keep};
  CHECK(*changed(four, wanted, {}) == expected);
}

TEST_CASE("a rank is said as one asks for it") {
  CHECK(rank_of(four, "p1") == "voter");
  CHECK(rank_of(four, "p3") == "learner");
  CHECK(rank_of(four, "p5") == "standby");
  CHECK(rank_of(four, "p9") == "");
}

}  // namespace
}  // namespace troupe::actors
