#include "actors/transport/connection_slots.hpp"

#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <string>
#include <thread>

namespace troupe::actors::test {
namespace {

using namespace std::chrono_literals;

/// Connections of which nothing but their names matters.
struct Slots {
  explicit Slots(const SlotLimits& limits) : slots(limits) {}

  /// The number of the new one.
  std::size_t enter(const std::string& source = "10.0.0.1") {
    connections.emplace_back(still);
    const auto verdict = slots.enter(connections.back().actor, source, now);
    used.push_back(verdict.used);
    last = verdict;
    return connections.size() - 1;
  }
  std::string admit(std::size_t number, bool is_member = false) {
    last = slots.admit(connections[number].actor.id(), is_member, now);
    return last.refusal;
  }
  /// It enters and says hello. Returns why it may not.
  std::string client(const std::string& source = "10.0.0.1") { return admit(enter(source)); }
  void ask(std::size_t number) { used[number]->store(true); }
  bool gave_way(std::size_t number) const {
    return last.give_way.size() == 1 && last.give_way[0] == connections[number].actor;
  }

  StillSystem still{};
  ConnectionSlots slots;
  ConnectionSlots::Clock::time_point now{};
  std::deque<Ear> connections{};
  std::vector<ConnectionSlots::Used> used{};
  ConnectionSlots::Verdict last{};
};

TEST_CASE("clients that ask keep their places, and one more is told how many there are") {
  Slots at({.connections_max = 2});
  CHECK(at.slots.has_free());
  CHECK(at.client().empty());
  CHECK(at.client().empty());
  CHECK(!at.slots.has_free());
  at.now += 20s;
  at.ask(0);
  at.ask(1);

  CHECK(at.client() == "connections_max: 2");
  CHECK(at.last.give_way.empty());
}

TEST_CASE("a place that gets free is taken again") {
  Slots at({.connections_max = 1});
  CHECK(at.client().empty());
  CHECK(!at.client().empty());

  at.slots.leave(at.connections[0].actor.id());
  at.slots.leave(at.connections[1].actor.id());

  CHECK(at.slots.has_free());
  CHECK(at.client().empty());
  CHECK(at.slots.size() == 1);
}

TEST_CASE("a member has a place when clients have taken all of theirs") {
  Slots at({.connections_max = 1, .nodes_max = 1});
  CHECK(at.client().empty());

  CHECK(at.admit(at.enter(), true).empty());
  CHECK(at.last.give_way.empty());
  // Anyone can say that it is a member: there are as many places as that, and no more.
  CHECK(at.admit(at.enter(), true) == "connections_max: 1");
}

TEST_CASE("one source does not get all places") {
  Slots at({.connections_max = 4, .per_source_max = 3});
  for (int i = 0; i < 3; ++i)
    CHECK(at.client("10.0.0.1").empty());

  CHECK(at.client("10.0.0.1") == "connections_max of one source: 3");
  CHECK(at.client("10.0.0.2").empty());
  CHECK(at.client("10.0.0.3") == "connections_max: 4");
}

TEST_CASE("a client that never asked anything gives way to one that comes, after a second") {
  Slots at({.connections_max = 2});
  CHECK(at.client().empty());
  at.now += 500ms;
  CHECK(at.client().empty());
  CHECK(!at.client().empty());

  at.now += 700ms;

  CHECK(at.client().empty());
  CHECK(at.gave_way(0));
}

TEST_CASE("a client that asked gives way when it has said nothing for ten seconds") {
  Slots at({.connections_max = 1});
  CHECK(at.client().empty());
  at.ask(0);
  (void)at.slots.look(at.now);
  at.now += 9s;
  CHECK(!at.client().empty());
  at.now += 1s;

  CHECK(at.client().empty());
  CHECK(at.gave_way(0));
}

TEST_CASE("of clients that say nothing one of the source with the most gives way") {
  Slots at({.connections_max = 3});
  CHECK(at.client("10.0.0.1").empty());
  at.now += 1ms;
  CHECK(at.client("10.0.0.2").empty());
  at.now += 1ms;
  CHECK(at.client("10.0.0.2").empty());
  at.now += 5s;

  CHECK(at.client("10.0.0.3").empty());
  CHECK(at.gave_way(1));
}

TEST_CASE("a client that never asked anything is closed after ten seconds, one that did is not") {
  Slots at({});
  CHECK(at.client().empty());
  CHECK(at.client().empty());
  at.ask(1);
  CHECK(at.slots.look(at.now + 9s).empty());
  const auto silent = at.slots.look(at.now + 10s);
  REQUIRE(silent.size() == 1);
  CHECK(silent[0] == at.connections[0].actor);
  CHECK(at.slots.look(at.now + 1h).empty());
}

TEST_CASE("the oldest stranger gives way to the next: first one of the same source") {
  Slots at({.strangers_max = 2});
  (void)at.enter("10.0.0.1");
  at.now += 1ms;
  (void)at.enter("10.0.0.2");
  at.now += 250ms;

  (void)at.enter("10.0.0.2");
  CHECK(at.gave_way(1));
  (void)at.enter("10.0.0.3");
  CHECK(at.gave_way(0));
  CHECK(at.admit(0) == "it gave way to another");
}

TEST_CASE("a stranger that had time for its hello gives way before one that hardly had any") {
  Slots at({.strangers_max = 2});
  (void)at.enter("10.0.0.1");
  at.now += 250ms;
  (void)at.enter("10.0.0.2");

  (void)at.enter("10.0.0.2");
  CHECK(at.gave_way(0));
}

TEST_CASE("accepting waits for a stranger that may still say hello, and no longer") {
  Slots at({.strangers_max = 1});
  (void)at.enter();
  std::thread accepting([&] { at.slots.await_place("10.0.0.1", at.now); });
  CHECK(at.admit(0).empty());
  accepting.join();
  // One was accepted and has not entered: it counts. It is gone for good after 250 ms.
  const auto start = std::chrono::steady_clock::now();
  at.slots.await_place("10.0.0.1", at.now);
  CHECK(std::chrono::steady_clock::now() - start >= 250ms);
  // A stranger that had its time keeps nobody waiting.
  Slots late({.strangers_max = 1});
  (void)late.enter();
  late.now += 250ms;
  late.slots.await_place("10.0.0.1", late.now);
  (void)late.enter();
  CHECK(late.gave_way(0));
}

}  // namespace
}  // namespace troupe::actors::test
