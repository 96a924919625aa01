#include "core/configuration_history.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <optional>

namespace troupe::test {

TEST_SUITE_BEGIN("configuration history");

TEST_CASE("the last configuration in the log is in force") {
  ConfigurationHistory history;
  CHECK(history.in_force().empty());
  CHECK(history.index() == Index{});
  CHECK(history.previous() == nullptr);
  history.append({1}, voters({1, 2, 3}));
  history.append({5}, voters({1, 2}));

  CHECK(history.in_force() == voters({1, 2}));
  CHECK(history.index() == Index{5});
  CHECK(*history.previous() == voters({1, 2, 3}));
}

TEST_CASE("a configuration that is truncated gives way to the one before it") {
  ConfigurationHistory history;
  history.append({1}, voters({1, 2, 3}));
  history.append({5}, voters({1, 2}));
  history.truncate_from({6});
  CHECK(history.index() == Index{5});

  history.truncate_from({5});
  CHECK(history.in_force() == voters({1, 2, 3}));
}

TEST_CASE("of what was cut the last configuration stays in force") {
  ConfigurationHistory history;
  history.append({1}, voters({1}));
  history.append({3}, voters({1, 2}));
  history.append({5}, voters({1, 2, 3}));
  history.cut_upto({4});

  CHECK(history.in_log().size() == 2);
  REQUIRE(history.at({4}) != nullptr);
  CHECK(history.at({4})->second == voters({1, 2}));
  CHECK(history.at({2}) == nullptr);
}

TEST_CASE("a log that begins anew has the configuration of its snapshot") {
  ConfigurationHistory history;
  history.append({1}, voters({1}));
  history.append({9}, voters({1, 2}));
  history.restart({7}, voters({1, 2, 3}));

  CHECK(history.in_force() == voters({1, 2, 3}));
  CHECK(history.index() == Index{7});
  CHECK(history.previous() == nullptr);
}

TEST_CASE("a standby knows what its leader told, and nothing is decided by it") {
  ConfigurationHistory history;
  history.append({1}, voters({1}));
  history.tell(voters({1, 2}));
  CHECK(history.known() == voters({1, 2}));
  CHECK(history.in_force() == voters({1}));

  history.tell(std::nullopt);
  CHECK(history.known() == voters({1}));
}

TEST_SUITE_END();

}  // namespace troupe::test
