#include "actors/peer_routes.hpp"

#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

namespace troupe::actors::test {
namespace {

constexpr const char* here = "127.0.0.1:1";
constexpr const char* there = "127.0.0.1:2";
constexpr PeerId stranger{7};

Message answer() {
  return {.cluster = {1},
          .from = {1},
          .to = stranger,
          .term = {1},
          .body = VoteResponse{.granted = true}};
}

TEST_CASE("the first answer to a stranger waits for the link to where it wrote from") {
  StillSystem still;
  const Ear ear(still);
  const caf::actor& connection = ear.actor;
  Routes routes(here);

  CHECK(routes.learn(stranger, there) == std::vector<std::string>{there});
  CHECK(routes.sort({answer()}).empty());
  CHECK(routes.link_up(there, connection).size() == 1);

  const auto parcels = routes.sort({answer()});
  REQUIRE(parcels.size() == 1);
  CHECK(parcels[0].to == connection);
  CHECK(!parcels[0].local);
  CHECK(routes.link_up(there, connection).empty());
}

TEST_CASE("what waits for a link that does not come is lost, and no more than a bound waits") {
  StillSystem still;
  const Ear ear(still);
  const caf::actor& connection = ear.actor;
  Routes routes(here);
  (void)routes.learn(stranger, there);
  for (int i = 0; i < 1000; ++i)
    (void)routes.sort({answer()});
  CHECK(routes.link_up(there, connection).size() == 64);

  CHECK(routes.link_down(there) == std::vector<PeerId>{stranger});
  CHECK(routes.sort({answer()}).empty());
  CHECK(routes.link_up(there, connection).empty());
}

TEST_CASE("a link that is down is wanted again as soon as its node speaks to us") {
  Routes routes(here);
  (void)routes.learn(stranger, there);
  CHECK(routes.learn(stranger, there).empty());

  (void)routes.link_down(there);

  CHECK(routes.learn(stranger, there) == std::vector<std::string>{there});
  CHECK(routes.learn(stranger, there).empty());
}

}  // namespace
}  // namespace troupe::actors::test
