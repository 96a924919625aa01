#include "actors/peer/peer_routes.hpp"

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

  CHECK(routes.learn(stranger, there, Time{}) == std::vector<std::string>{there});
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
  (void)routes.learn(stranger, there, Time{});
  for (int i = 0; i < 1000; ++i)
    (void)routes.sort({answer()});
  CHECK(routes.link_up(there, connection).size() == 64);

  CHECK(routes.link_down(there) == std::vector<PeerId>{stranger});
  CHECK(routes.sort({answer()}).empty());
  CHECK(routes.link_up(there, connection).empty());
}

TEST_CASE("a link that is down is wanted again as soon as its node speaks to us") {
  Routes routes(here);
  (void)routes.learn(stranger, there, Time{});
  CHECK(routes.learn(stranger, there, Time{}).empty());

  (void)routes.link_down(there);

  CHECK(routes.learn(stranger, there, Time{}) == std::vector<std::string>{there});
  CHECK(routes.learn(stranger, there, Time{}).empty());
}

Configuration one_there() {
  return {.voters = {{.id = stranger, .name = "b", .address = there}}};
}

TEST_CASE("a member that was removed is reached for a while, then its link is dropped") {
  StillSystem still;
  const Ear ear(still);
  Routes routes(here);
  (void)routes.use(one_there(), Time{});
  (void)routes.link_up(there, ear.actor);
  CHECK(routes.idle(std::chrono::hours(1)).empty());  // A member's link stays, used or not.

  (void)routes.use(Configuration{}, std::chrono::hours(1));
  CHECK(routes.idle(std::chrono::hours(1) + std::chrono::seconds(9)).empty());
  CHECK(routes.sort({answer()}).size() == 1);
  CHECK(routes.idle(std::chrono::hours(1) + std::chrono::seconds(10))
        == std::vector<std::string>{there});

  CHECK(routes.sort({answer()}).empty());
  CHECK(routes.link_up(there, ear.actor).empty());  // Late news of what is dropped.
  (void)routes.link_down(there);
  CHECK(routes.use(one_there(), Time{}) == std::vector<std::string>{there});
}

TEST_CASE("no address that a stranger names is dialed: it is answered over its own connection") {
  StillSystem still;
  const Ear ear(still);
  Routes routes(here);
  (void)routes.use(Configuration{.voters = {{.id = {8}, .name = "c", .address = "127.0.0.1:3"}}},
                   Time{});
  for (int i = 0; i < 300; ++i)
    CHECK(routes
              .hear(PeerId{100U + static_cast<unsigned>(i)},
                    "127.0.0.1:" + std::to_string(1000 + i), ear.actor, Time{})
              .empty());

  CHECK(routes.hear(stranger, there, ear.actor, std::chrono::seconds(3)).empty());
  CHECK(routes.sort({answer()}).empty());  // There are bounds; it is heard again.
  CHECK(routes.idle(std::chrono::seconds(3)).empty());
  CHECK(routes.hear(stranger, there, ear.actor, std::chrono::seconds(3)).empty());

  const auto parcels = routes.sort({answer()});
  REQUIRE(parcels.size() == 1);
  CHECK(parcels[0].to == ear.actor);
  CHECK(!parcels[0].local);
  CHECK(routes.idle(std::chrono::seconds(5)).empty());
  CHECK(routes.sort({answer()}).empty());
}

TEST_CASE("a member is dialed where it says it is, if it is not where it should be, and seldom") {
  StillSystem still;
  const Ear ear(still);
  Routes routes(here);
  (void)routes.use(one_there(), Time{});
  (void)routes.link_up(there, ear.actor);
  CHECK(routes.hear(stranger, "127.0.0.1:3", ear.actor, Time{}).empty());
  CHECK(routes.link_down(there) == std::vector<PeerId>{stranger});

  CHECK(routes.hear(stranger, "127.0.0.1:3", ear.actor, Time{})
        == std::vector<std::string>{"127.0.0.1:3"});
  for (int port = 4; port < 300; ++port)
    CHECK(routes
              .hear(stranger, "127.0.0.1:" + std::to_string(port), ear.actor,
                    std::chrono::milliseconds(900))
              .empty());
  CHECK(routes.hear(stranger, "127.0.0.1:4", ear.actor, std::chrono::seconds(1))
        == std::vector<std::string>{"127.0.0.1:4"});
  // Where it should be it may be again at any time.
  CHECK(routes.hear(stranger, there, ear.actor, std::chrono::seconds(1))
        == std::vector<std::string>{there});
}

TEST_CASE("who goes on speaking to us is reached, member or not") {
  Routes routes(here);
  (void)routes.learn(stranger, there, Time{});
  (void)routes.learn(stranger, there, std::chrono::seconds(8));

  CHECK(routes.idle(std::chrono::seconds(17)).empty());
  CHECK(routes.idle(std::chrono::seconds(18)) == std::vector<std::string>{there});
}

/// A member that is configured `there`, and was heard from `elsewhere`. Links to both are up.
struct Moved {
  StillSystem still{};
  Ear old_node{still};
  Ear new_node{still};
  const std::string elsewhere = "127.0.0.1:3";
  Routes routes{here};

  Moved() {
    (void)routes.use(one_there(), Time{});
    (void)routes.link_up(there, old_node.actor);
    CHECK(target() == old_node.actor);
    CHECK(routes.learn(stranger, elsewhere, Time{}) == std::vector<std::string>{elsewhere});
    CHECK(target() == old_node.actor);
    (void)routes.link_up(elsewhere, new_node.actor);
  }

  caf::actor target() { return routes.sort({answer()}).at(0).to; }
};

TEST_CASE("a member is reached where it was heard from, though another node is where it was") {
  Moved moved;
  CHECK(moved.target() == moved.new_node.actor);

  (void)moved.routes.link_down(moved.elsewhere);
  CHECK(moved.target() == moved.old_node.actor);
}

TEST_CASE("a member that is heard from where it should be is reached there, whatever a copy says") {
  Moved moved;
  (void)moved.routes.learn(stranger, there, Time{});
  CHECK(moved.target() == moved.old_node.actor);
  (void)moved.routes.learn(stranger, moved.elsewhere, Time{});
  CHECK(moved.target() == moved.old_node.actor);

  // Another node may have taken its place since.
  (void)moved.routes.link_down(there);
  (void)moved.routes.link_up(there, moved.old_node.actor);
  CHECK(moved.target() == moved.new_node.actor);
}

TEST_CASE("a member that writes from elsewhere is answered there, and is not dialed for it") {
  StillSystem still;
  const Ear old_place(still);
  const Ear incoming(still);
  Routes routes(here);
  (void)routes.use(one_there(), Time{});
  (void)routes.link_up(there, old_place.actor);

  CHECK(routes.hear(stranger, "127.0.0.1:3", incoming.actor, Time{}).empty());
  CHECK(routes.sort({answer()}).at(0).to == incoming.actor);

  // It is where it should be after all.
  (void)routes.hear(stranger, there, incoming.actor, Time{});
  CHECK(routes.sort({answer()}).at(0).to == old_place.actor);
  (void)routes.hear(stranger, "127.0.0.1:3", incoming.actor, Time{});
  CHECK(routes.sort({answer()}).at(0).to == old_place.actor);
}

}  // namespace
}  // namespace troupe::actors::test
