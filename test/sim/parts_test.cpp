#include "test/sim/clock.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/events.hpp"
#include "test/sim/network.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace troupe::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

Write write_of(std::uint64_t id, std::uint64_t index) {
  return {.id = {id},
          .hard_state = {.term = {id}, .voted_for = {}, .cluster = {}},
          .truncate_from = {},
          .entries = {{.id = {{1}, {index}}, .kind = EntryKind::noop, .payload = {}}}};
}

}  // namespace

TEST_CASE("what happens first comes first, and at the same time in the order it was scheduled") {
  Events events;
  events.schedule(Time{5}, PeerStarts{1});
  events.schedule(Time{3}, PeerStarts{2});
  events.schedule(Time{5}, PeerStarts{3});
  events.schedule(Time{4}, PeerStarts{4});

  std::vector<Seat> order;
  while (!events.empty())
    events.handle_next(
        [&](const Event& event) { order.push_back(std::get<PeerStarts>(event).seat); });

  CHECK(order == std::vector<Seat>{2, 4, 1, 3});
}

TEST_CASE("an event stays where it is while others are scheduled by what it brings about") {
  Events events;
  events.schedule(Time{1}, PeerStarts{7});
  Seat seat = 0;

  events.handle_next([&](const Event& event) {
    for (Seat other = 0; other < 1000; ++other)
      events.schedule(Time{2}, PeerStarts{other});
    seat = std::get<PeerStarts>(event).seat;
  });

  CHECK(seat == 7);
  CHECK(events.next_at() == Time{2});
}

TEST_CASE("a clock that runs too fast shows a moment earlier, and says when") {
  Clock clock(Time{1000}, Time{50}, 2000);

  CHECK(clock.local(Time{1000}) == Time{50});
  CHECK(clock.local(Time{1500}) == Time{1050});
  CHECK(clock.real(Time{1050}) == Time{1500});
  clock.set_rate(Time{1500}, 500);
  CHECK(clock.local(Time{1500}) == Time{1050});
  CHECK(clock.local(Time{1700}) == Time{1150});
}

TEST_CASE("a clock shows at least what was asked for, at the moment that it names") {
  Dice dice(3);
  for (int round = 0; round < 1000; ++round) {
    const Clock clock(dice.between(Time{0}, Time{100000}), dice.between(Time{0}, Time{100000}),
                      static_cast<std::int64_t>(dice.between(500, 2000)));
    const Time local = dice.between(Time{0}, Time{1000000});
    CHECK(clock.local(clock.real(local)) >= local);
  }
}

TEST_CASE("a disk keeps what was finished, and of the rest all of one transaction or nothing") {
  int survived = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Disk disk({.latency_min = microseconds(10)}, Dice(seed));
    disk.submit(write_of(1, 1));
    disk.submit(write_of(2, 2));
    disk.submit(write_of(3, 3));
    REQUIRE(disk.begin());
    CHECK(!disk.begin());
    CHECK(disk.finish().size() == 1);
    REQUIRE(disk.begin());

    const Disk::Crash crash = disk.crash();

    CHECK(crash.survived.size() + crash.lost.size() == 2);
    CHECK(!crash.lost.empty());
    CHECK(disk.durable().entries.size() == 1 + crash.survived.size());
    CHECK(disk.durable().hard_state.term == Term{1 + crash.survived.size()});
    CHECK(disk.idle());
    survived += crash.survived.empty() ? 0 : 1;
  }
  CHECK(survived > 20);
  CHECK(survived < 80);
}

TEST_CASE("a disk with group commit takes all that waits in one transaction") {
  Disk disk({.group_commit = true}, Dice(1));
  disk.submit(write_of(1, 1));
  disk.submit(write_of(2, 2));
  REQUIRE(disk.begin());
  disk.submit(write_of(3, 3));

  CHECK(disk.finish().size() == 2);
  CHECK(disk.durable().entries.size() == 2);
}

TEST_CASE("a write truncates before it appends") {
  Recovered durable;
  apply(write_of(1, 1), durable);
  apply(write_of(1, 2), durable);
  Write write = write_of(7, 2);
  write.truncate_from = Index{2};

  apply(write, durable);

  CHECK(durable.entries.size() == 2);
  CHECK(durable.hard_state.term == Term{7});
}

TEST_CASE("a link that is cut twice is whole when both cuts are mended") {
  Marks marks;
  Network network({.delay_min = milliseconds(1)}, 2, Dice(1));
  const Link link{0, 1};
  network.cut(link);
  network.cut(link);
  network.mend(link);
  CHECK(network.send(link, Time{0}, {}, marks).empty());
  network.mend(link);
  const Arrivals arrivals = network.send(link, Time{0}, {}, marks);
  CHECK(arrivals.count == 1);
  CHECK(arrivals.at[0] == Time{1000});
  CHECK(network.send({1, 0}, Time{0}, {}, marks).count == 1);
}

TEST_CASE("a clogged link gives back what it kept when nothing clogs it any more") {
  Marks marks;
  Network network({}, 2, Dice(1));
  const Link link{0, 1};
  network.clog(link);
  network.clog(link);
  CHECK(network.send(link, Time{0}, {}, marks).empty());

  CHECK(network.unclog(link).empty());
  CHECK(network.unclog(link).size() == 1);
  CHECK(network.send(link, Time{0}, {}, marks).count == 1);
}

TEST_CASE("a connection in order lets nothing overtake") {
  Marks marks;
  Network network({.delay_spread = milliseconds(50), .in_order = true}, 2, Dice(1));
  Time last{};
  for (int i = 0; i < 200; ++i) {
    const Arrivals arrivals = network.send({0, 1}, microseconds(i), {}, marks);
    REQUIRE(arrivals.count == 1);
    CHECK(arrivals.at[0] >= last);
    last = arrivals.at[0];
  }
  CHECK(marks.count(Mark::message_overtaken) == 0);
}

TEST_CASE("every mark has a name of its own") {
  for (std::size_t i = 0; i < marks_count; ++i)
    for (std::size_t j = 0; j < i; ++j)
      CHECK(name(static_cast<Mark>(i)) != name(static_cast<Mark>(j)));
  CHECK(Marks{}.missing().size() == marks_count);
}

}  // namespace troupe::sim
