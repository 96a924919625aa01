#include "core/followers.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration farewell = 600ms;
constexpr Time start{1s};

Configuration with_standby(Configuration configuration, std::uint64_t id) {
  configuration.standbys.push_back({.id = {id}, .name = "p" + std::to_string(id)});
  return configuration;
}

/// The followers of peer 1, which began to lead with entry 5.
struct Leadership {
  Followers followers{};
  Time now = start;

  explicit Leadership(const Configuration& configuration) { follow(configuration); }
  void follow(const Configuration& configuration) {
    followers.follow(configuration, self, {5}, now, farewell);
  }
};

}  // namespace

TEST_SUITE_BEGIN("followers");

TEST_CASE("a leader follows all members but itself") {
  const Leadership lead(voters({1, 2, 3}));

  CHECK_FALSE(lead.followers.contains(self));
  CHECK(lead.followers.at({2}).pace() == Pace::probe);
  CHECK(lead.followers.at({3}).next() == Index{5});
  CHECK(lead.followers.departing().empty());
}

TEST_CASE("a standby is sent no log") {
  const Leadership lead(with_standby(voters({1, 2}), 3));

  CHECK(lead.followers.at({3}).pace() == Pace::rest);
  CHECK(lead.followers.departing().empty());
}

TEST_CASE("a removed peer is sent the log until it had time to learn of that") {
  Leadership lead(voters({1, 2, 3}));
  lead.follow(voters({1, 2}));
  REQUIRE(lead.followers.departing().contains({3}));

  lead.followers.forget_departed(voters({1, 2}), start + farewell - 1us);
  CHECK(lead.followers.contains({3}));
  lead.followers.forget_departed(voters({1, 2}), start + farewell);
  CHECK_FALSE(lead.followers.contains({3}));
  CHECK(lead.followers.departing().empty());
}

TEST_CASE("a voter that becomes a standby rests when it had time to learn of that") {
  const Configuration after = with_standby(voters({1, 2}), 3);
  Leadership lead(voters({1, 2, 3}));
  lead.follow(after);
  CHECK(lead.followers.at({3}).pace() == Pace::probe);

  lead.followers.forget_departed(after, start + farewell);
  CHECK(lead.followers.at({3}).pace() == Pace::rest);
}

TEST_CASE("a peer that comes back before it was forgotten does not depart") {
  Leadership lead(voters({1, 2, 3}));
  lead.follow(voters({1, 2}));
  lead.follow(voters({1, 2, 3}));

  CHECK(lead.followers.departing().empty());
  lead.followers.forget_departed(voters({1, 2, 3}), start + farewell);
  CHECK(lead.followers.contains({3}));
}

TEST_CASE("a tally asks all followers") {
  const Leadership lead(voters({1, 2, 3}));
  const auto is_second = [&](const Progress& progress) {
    return &progress == &lead.followers.at({2});
  };

  CHECK(lead.followers.ask(is_second) == std::map<PeerId, bool>{{{2}, true}, {{3}, false}});
}

TEST_SUITE_END();

}  // namespace troupe::test
