#include "actors/peer/peer_options.hpp"
#include "actors/peer/peer_routes.hpp"
#include "actors/peer/peer_waiters.hpp"
#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using test::Ear;
using test::StillSystem;

EngineOptions someone() {
  EngineOptions options;
  options.self = {1};
  return options;
}

TEST_CASE("options of a peer are changed by name, and checked together") {
  const auto changed = with_options(someone(), {{"election_timeout_min_ms", "500"},
                                                {"election_timeout_max_ms", "900"},
                                                {"entry_bytes_max", "1024"}});

  REQUIRE(changed);
  CHECK(changed->election_timeout_min == std::chrono::milliseconds(500));
  CHECK(changed->election_timeout_max == std::chrono::milliseconds(900));
  CHECK(changed->entry_bytes_max == 1024);
  CHECK_FALSE(with_options(someone(), {{"colour", "1"}}));
  CHECK_FALSE(with_options(someone(), {{"entry_bytes_max", "many"}}));
  CHECK_FALSE(with_options(someone(), {{"entry_bytes_max", "-1"}}));
  CHECK_FALSE(with_options(someone(), {{"election_timeout_min_ms", "900"}}));
  CHECK_FALSE(with_options(someone(), {{"heartbeat_interval_ms", "99999999999999"}}));
}

TEST_CASE("an entry that no frame could carry is not allowed for") {
  CHECK_FALSE(with_options(
      someone(), {{"entry_bytes_max", "60000000"}, {"uncommitted_bytes_max", "60000000"}}));
}

TEST_CASE("peers have plain names") {
  CHECK(valid_peer_name("peer-1_A"));
  CHECK(valid_peer_name(std::string(64, 'x')));
  CHECK_FALSE(valid_peer_name(std::string(65, 'x')));
  CHECK_FALSE(valid_peer_name(""));
  CHECK_FALSE(valid_peer_name("a@b"));
  CHECK_FALSE(valid_peer_name("a b"));
}

TEST_CASE("a member without an address lives on the node that is asked") {
  const auto members = parse_members({"a", "b@h:2"}, "me:1");

  REQUIRE(members);
  CHECK(*members == std::vector<NamedMember>{{"a", "me:1"}, {"b", "h:2"}});
}

TEST_CASE("commands that wait are answered in the order of the log, as far as it is applied") {
  StillSystem still;
  Ear first(still);
  Ear second(still);
  CommandWaiters waiters;
  waiters.add({{1}, {2}}, first.actor, {10, 11});
  waiters.add({{1}, {4}}, second.actor, {20});
  Applied applied{.upto = {3}, .outcomes = {}};
  applied.outcomes = {{{{1}, {2}}, machine::Reply::ok("x")}, {{{1}, {3}}, machine::Reply::ok("y")}};

  Replies replies;
  waiters.answer(applied, "", replies);

  REQUIRE(replies.to(first.actor).size() == 2);
  CHECK(replies.to(first.actor)[0].id == 10);
  CHECK(replies.to(first.actor)[1].value.text() == "y");
  CHECK(replies.to(second.actor).empty());
  CHECK(waiters.any_upto({4}));
  CHECK_FALSE(waiters.any_upto({3}));
}

TEST_CASE("a command whose place another entry took certainly did not happen") {
  StillSystem still;
  Ear client(still);
  CommandWaiters waiters;
  waiters.add({{1}, {2}}, client.actor, {10});
  Applied applied{.upto = {2}, .outcomes = {{{{2}, {2}}, machine::Reply::ok("x")}}};

  Replies replies;
  waiters.answer(applied, "b@h:2", replies);

  REQUIRE(replies.to(client.actor).size() == 1);
  CHECK(replies.to(client.actor)[0].refusal == Refusal::redirect);
  CHECK(replies.to(client.actor)[0].detail == "b@h:2");
}

TEST_CASE("what is lost with a term is what was not dispatched in it") {
  StillSystem still;
  Ear client(still);
  CommandWaiters waiters;
  waiters.add({{1}, {2}}, client.actor, {10, 11, 12});
  waiters.add({{3}, {4}}, client.actor, {20});

  Replies replies;
  waiters.lose({2}, {3}, Refusal::unknown_outcome, replies);

  CHECK(replies.to(client.actor).size() == 2);
  CHECK(waiters.any_upto({2}));
  Replies rest;
  waiters.lose_all(Refusal::disk_failed, rest);
  CHECK(rest.to(client.actor).size() == 2);
  CHECK(waiters.empty());
}

Configuration two_elsewhere() {
  Configuration configuration;
  configuration.voters = {{{1}, "a", "me:1"}, {{2}, "b", "h2:1"}, {{3}, "c", "h2:1"}};
  return configuration;
}

Message message_to(std::uint64_t peer) {
  return {.cluster = {7}, .from = {1}, .to = {peer}, .term = {1}, .body = TimeoutNow{}};
}

TEST_CASE("messages to peers of one node travel together, those to nowhere are lost") {
  StillSystem still;
  Ear node(still);
  Routes routes("me:1");

  CHECK(routes.use(two_elsewhere(), Time{}) == std::vector<std::string>{"h2:1"});
  CHECK(routes.sort({message_to(2)}).empty());
  routes.link_up("h2:1", node.actor);
  const auto parcels = routes.sort({message_to(2), message_to(9), message_to(3)});

  REQUIRE(parcels.size() == 1);
  CHECK(parcels[0].messages.size() == 2);
  CHECK_FALSE(parcels[0].local);
  CHECK(routes.link_down("h2:1") == std::vector<PeerId>{{2}, {3}});
}

TEST_CASE("a peer that moved is reached where it writes from") {
  StillSystem still;
  Ear old_place(still);
  Ear new_place(still);
  Routes routes("me:1");
  routes.use(two_elsewhere(), Time{});
  routes.link_up("h2:1", old_place.actor);

  CHECK(routes.learn({2}, "h5:1", Time{}) == std::vector<std::string>{"h5:1"});
  CHECK(routes.learn({2}, "h5:1", Time{}).empty());
  CHECK(routes.sort({message_to(2)})[0].to == old_place.actor);
  routes.link_up("h5:1", new_place.actor);
  CHECK(routes.sort({message_to(2)})[0].to == new_place.actor);
  CHECK(routes.link_down("h2:1") == std::vector<PeerId>{{3}});

  CHECK(routes.sort({message_to(2)})[0].to == new_place.actor);
}

TEST_CASE("peers of the same node need no connection") {
  StillSystem still;
  Ear neighbour(still);
  Routes routes("me:1");
  auto registry = std::make_shared<Registry>();
  registry->by_id[{2}] = neighbour.actor;

  CHECK(routes.use(SharedRegistry(registry)).empty());
  const auto parcels = routes.sort({message_to(2)});

  REQUIRE(parcels.size() == 1);
  CHECK(parcels[0].local);
  CHECK(routes.learn({2}, "me:1", Time{}).empty());
  CHECK(routes.use(std::make_shared<const Registry>()) == std::vector<PeerId>{{2}});
}

}  // namespace
}  // namespace troupe::actors
