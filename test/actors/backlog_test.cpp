#include "actors/backlog.hpp"

#include "raw_client.hpp"
#include "test/actors/peer_stage.hpp"
#include "transport_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <variant>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("a backlog admits what fits, and gives places back with the last copy of a ticket") {
  std::optional<Backlog> backlog(std::in_place, 3, 100);
  Ticket first = backlog->admit(2, 60);
  REQUIRE(first);
  Ticket copy = first;
  CHECK_FALSE(backlog->admit(2, 1));
  CHECK_FALSE(backlog->admit(1, 41));
  CHECK_FALSE(backlog->admit(~std::size_t{0}, 0));
  CHECK_FALSE(backlog->admit(0, ~std::size_t{0}));

  first.reset();
  CHECK_FALSE(backlog->admit(2, 1));
  copy.reset();
  Ticket all = backlog->admit(3, 100);
  CHECK(all);

  backlog.reset();
  all.reset();  // Outlives it.
}

TEST_CASE("the place of a call is taken until it is answered") {
  PeerStage stage(founded(3));
  stage.lead();

  stage.write(1, "=a");
  stage.still.run();
  CHECK_FALSE(stage.last_ticket.expired());
  stage.second_accepts();
  CHECK(stage.last_ticket.expired());

  stage.read(2);
  stage.still.run();
  CHECK_FALSE(stage.last_ticket.expired());
  stage.second_accepts();
  CHECK(stage.last_ticket.expired());

  stage.call(wire::CallKind::query, ReadLevel::sequential, {{3, Bytes::copy_of("?")}});
  stage.still.run();
  CHECK(stage.last_ticket.expired());

  stage.write(4, "nonsense");
  stage.still.run();
  CHECK(stage.last_ticket.expired());
  CHECK(stage.client->replies.size() == 4);
}

wire::Calls calls_of(std::uint64_t id, std::size_t bytes) {
  return {.peer = "p",
          .kind = wire::CallKind::query,
          .level = ReadLevel::linearizable,
          .calls = {{id, Bytes::copy_of(std::string(bytes, 'q'))}},
          .seen = {}};
}

/// A node that keeps what it is asked, and does not answer before it is told to.
struct Flooded {
  explicit Flooded(const ConnectionLimits& limits)
      : node(
          live, [inbox = inbox](Puppet&, Puppet::Heard heard) { inbox->put(std::move(heard)); },
          "127.0.0.1:0", limits),
        client(node.address()) {
    client.write(wire::Hello{});
    client.read();
  }

  wire::CallReply next_reply() {
    const auto packet = client.read();
    REQUIRE(packet);
    REQUIRE(std::holds_alternative<wire::CallReplies>(*packet));
    return std::get<wire::CallReplies>(*packet).replies.at(0);
  }

  LiveSystem live{};
  std::shared_ptr<Inbox<Puppet::Heard>> inbox = std::make_shared<Inbox<Puppet::Heard>>();
  FakeNode node;
  RawClient client;
};

TEST_CASE("what one connection asks beyond its bound is refused as busy and passed to nobody") {
  Flooded flooded({.unanswered_max = 10});
  constexpr std::uint64_t count = 500;

  for (std::uint64_t id = 1; id <= count; ++id)
    flooded.client.write(calls_of(id, 8));

  for (std::uint64_t id = 11; id <= count; ++id) {
    const wire::CallReply reply = flooded.next_reply();
    CHECK(reply.id == id);
    CHECK(reply.refusal == Refusal::busy);
  }
  CHECK(flooded.inbox->size_from(10) == 10);
  flooded.client.write(wire::Request{.id = 7, .peer = "p", .body = wire::AskStatus{}});
  const auto refused = flooded.client.read();
  REQUIRE(refused);
  CHECK(std::get<wire::Response>(*refused).id == 7);
  CHECK(std::get<wire::Response>(*refused).refusal == Refusal::busy);

  flooded.inbox->take();  // And so its ticket ends.
  flooded.client.write(calls_of(count + 1, 8));
  flooded.client.write(calls_of(count + 2, 8));
  CHECK(flooded.next_reply().id == count + 2);
  CHECK(flooded.inbox->size_from(10) == 10);
}

TEST_CASE("the bytes that one connection asks with are bounded") {
  Flooded flooded({.unanswered_bytes_max = std::size_t{1} << 20});
  constexpr std::size_t bytes = std::size_t{100} << 10;

  for (std::uint64_t id = 1; id <= 40; ++id)
    flooded.client.write(calls_of(id, bytes));

  for (std::uint64_t id = 11; id <= 40; ++id)
    CHECK(flooded.next_reply().refusal == Refusal::busy);
  CHECK(flooded.inbox->size_from(10) == 10);
}

TEST_CASE("who floods and reads not even the refusals is closed") {
  Flooded flooded({.unwritten_bytes_max = std::size_t{4} << 20, .unanswered_max = 10});
  wire::Calls calls = calls_of(1, 8);
  calls.calls.resize(10000, calls.calls.front());

  for (int i = 0; i < 2000; ++i)
    flooded.client.write(calls);  // Gives up when it is closed.

  CHECK(flooded.client.is_closed());
  CHECK(flooded.inbox->size() == 0);
}

}  // namespace
}  // namespace troupe::actors
