#include "test/sim/tickets.hpp"

#include <doctest/doctest.h>

#include <string>

namespace troupe::sim {

namespace {

/// Clients of one counter; each operation is another client's.
struct Queue {
  Tickets tickets{};

  void take(std::size_t client) { tickets.called({.client = client, .commands = {"c1+"}}, 0); }
  void count(std::size_t client) { tickets.called({.client = client}, 0); }
  std::string told(std::size_t client, std::uint64_t value) {
    return tickets.answered({.client = client, .outcome = Outcome::done, .value = value})
        .value_or("");
  }
  void refused(std::size_t client) {
    CHECK(!tickets.answered({.client = client, .outcome = Outcome::refused}));
  }
};

}  // namespace

TEST_CASE("tickets that are taken at the same time may come in any order") {
  Queue queue;
  queue.take(1);
  queue.take(2);
  queue.count(3);

  CHECK(queue.told(2, 1) == "");
  CHECK(queue.told(3, 1) == "");
  CHECK(queue.told(1, 2) == "");
}

TEST_CASE("nobody gets another's ticket") {
  Queue queue;
  queue.take(1);
  queue.take(2);
  CHECK(queue.told(1, 1) == "");

  CHECK(queue.told(2, 1) == "client 2 is told 1 as its ticket, which another has");
}

TEST_CASE("who asks later gets a later ticket, and sees what was taken") {
  Queue queue;
  queue.take(1);
  queue.take(2);
  CHECK(queue.told(1, 2) == "");
  queue.take(3);
  queue.count(4);

  CHECK(queue.told(3, 2) == "client 3 is told 2 as its ticket, and 2 were taken before it asked");
  CHECK(queue.told(4, 1)
        == "client 4 is told 1 as the number of tickets, and 2 were taken before it asked");
}

TEST_CASE("a command that happened twice shows when there are more tickets than were asked for") {
  Queue queue;
  queue.take(1);
  queue.take(2);
  queue.refused(2);

  CHECK(queue.told(1, 2) == "client 1 is told 2 as its ticket, and no more than 1 were asked for");
}

TEST_CASE("who was not told may have taken a ticket, and need not") {
  Queue queue;
  queue.take(1);
  queue.take(2);

  CHECK(queue.told(2, 2) == "");
  queue.take(3);
  CHECK(queue.told(3, 3) == "");
}

}  // namespace troupe::sim
