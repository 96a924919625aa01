#include "actors/runtime/backlog.hpp"

#include "test/actors/peer_stage.hpp"
#include "test/actors/raw_client.hpp"
#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

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

TEST_CASE("a backlog with too many frames or requests waits until half of them are answered") {
  Backlog backlog({.frames_max = 4, .requests_max = 2});
  int told = 0;
  backlog.when_room([&] { ++told; });
  std::vector<Ticket> tickets;

  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(backlog.must_wait());
    tickets.push_back(backlog.admit(1, 1));
  }
  CHECK(backlog.must_wait());
  tickets.pop_back();
  CHECK(told == 0);
  tickets.pop_back();
  CHECK(told == 1);
  CHECK_FALSE(backlog.must_wait());

  tickets.clear();
  CHECK(told == 1);  // Nobody waited.
  tickets.push_back(backlog.admit_request(1));
  CHECK_FALSE(backlog.must_wait());
  tickets.push_back(backlog.admit_request(1));
  CHECK(backlog.must_wait());
  tickets.pop_back();
  CHECK(told == 2);
}

TEST_CASE("a backlog with answers enough waits until half of them are taken") {
  Backlog backlog({.query_answer_bytes_max = 1000});
  int told = 0;
  backlog.when_room([&] { ++told; });
  const Ticket ticket = backlog.admit(1, 1);

  backlog.note_unwritten(999);
  CHECK_FALSE(backlog.must_wait());
  std::optional<Bytes> answer = ticket->charged(std::string(400, 'x'));
  CHECK(backlog.must_wait());
  backlog.note_unwritten(200);
  CHECK(told == 0);
  answer.reset();
  CHECK(told == 1);
  CHECK_FALSE(backlog.must_wait());

  backlog.note_unwritten(1000);
  CHECK(backlog.must_wait());
  backlog.note_unwritten(500);
  CHECK(told == 2);
}

TEST_CASE("answers take room until nobody holds them, and until the socket has them") {
  Backlog backlog({.answer_bytes_max = 1000});
  const Ticket ticket = backlog.admit(1, 1);
  REQUIRE(ticket->has_room());

  std::optional<Bytes> answer = ticket->charged(std::string(999, 'x'));
  CHECK(answer->text() == std::string(999, 'x'));
  CHECK(ticket->has_room());
  backlog.note_unwritten(1);
  CHECK_FALSE(ticket->has_room());
  answer.reset();
  CHECK(ticket->has_room());
  backlog.note_unwritten(1000);
  CHECK_FALSE(ticket->has_room());
  backlog.note_unwritten(0);
  CHECK(ticket->has_room());
}

TEST_CASE("queries wait for the socket to take half of the answers, or to end") {
  Backlog backlog({.query_answer_bytes_max = 1000, .answer_bytes_max = 4000});
  const Ticket ticket = backlog.admit(1, 1);
  int told = 0;
  const auto tell = [&] { ++told; };
  ticket->when_answers_taken(tell);
  CHECK(told == 1);  // There is nothing to take.

  std::optional<Bytes> answer = ticket->charged(std::string(600, 'x'));
  CHECK_FALSE(ticket->has_answers_enough());
  backlog.note_unwritten(400);
  CHECK(ticket->has_answers_enough());
  CHECK(ticket->has_room());
  ticket->when_answers_taken(tell);
  ticket->when_answers_taken(tell);
  backlog.note_unwritten(0);
  CHECK(told == 1);
  answer.reset();
  CHECK(told == 3);

  backlog.note_unwritten(5000);
  ticket->when_answers_taken(tell);
  CHECK(told == 3);
  CHECK_FALSE(ticket->is_over());
  backlog.end();
  CHECK(told == 4);
  CHECK(ticket->is_over());
  CHECK_FALSE(ticket->has_answers_enough());
}

TEST_CASE("all backlogs of a node are bounded together, but for a small part of each") {
  const auto node = std::make_shared<NodeBacklog>();
  node->bytes_max = 1000;
  node->answer_bytes_max = 1000;
  node->own_bytes = 100;
  std::optional<Backlog> greedy(std::in_place, BacklogLimits{}, node);
  Backlog modest({}, node);

  Ticket most = greedy->admit(1, 950);
  REQUIRE(most);
  CHECK_FALSE(greedy->admit(1, 60));
  const Ticket little = modest.admit(1, 100);
  CHECK(little);
  CHECK_FALSE(modest.admit(1, 1));

  std::optional<Bytes> answer = most->charged(std::string(1000, 'x'));
  CHECK_FALSE(most->has_room());
  CHECK(little->has_room());
  const Bytes own = little->charged(std::string(100, 'x'));
  CHECK_FALSE(little->has_room());
  answer.reset();
  CHECK(little->has_room());

  greedy->note_unwritten(1000);
  most.reset();
  greedy.reset();  // Its connection has ended.
  CHECK(node->bytes == 100);
  CHECK(node->answer_bytes == 100);
  CHECK(modest.admit(1, 900));
}

TEST_CASE("queries wait for fewer answers while those of all connections are enough for a node") {
  const auto node = std::make_shared<NodeBacklog>();
  node->answer_bytes_max = 1000;
  node->own_bytes = 100;
  Backlog greedy({}, node);
  Backlog modest({.query_answer_bytes_max = 600}, node);
  const Ticket ticket = modest.admit(1, 1);
  int told = 0;

  greedy.note_unwritten(900);
  modest.note_unwritten(99);
  CHECK_FALSE(ticket->has_answers_enough());
  modest.note_unwritten(200);
  CHECK(ticket->has_answers_enough());
  ticket->when_answers_taken([&] { ++told; });
  modest.note_unwritten(100);
  CHECK(told == 0);
  modest.note_unwritten(50);
  CHECK(told == 1);

  modest.note_unwritten(200);
  ticket->when_answers_taken([&] { ++told; });
  greedy.note_unwritten(0);
  CHECK_FALSE(ticket->has_answers_enough());
  CHECK(told == 1);  // Only what becomes of its own answers is looked at.
  modest.note_unwritten(199);
  CHECK(told == 2);
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

TEST_CASE("each frame counts as some bytes, however small it is") {
  Flooded flooded({.unanswered_bytes_max = std::size_t{10} * (256 + 64)});  // Of one call each.

  for (std::uint64_t id = 1; id <= 20; ++id)
    flooded.client.write(calls_of(id, 8));

  for (std::uint64_t id = 11; id <= 20; ++id)
    CHECK(flooded.next_reply().refusal == Refusal::busy);
  CHECK(flooded.inbox->size_from(10) == 10);
}

TEST_CASE("a call counts as some bytes, however small it is") {
  Flooded flooded({.unanswered_bytes_max = std::size_t{100} << 10});
  wire::Calls calls = calls_of(1, 0);
  calls.calls.resize(900, calls.calls.front());
  flooded.client.write(calls);
  flooded.client.write(calls);

  CHECK(flooded.next_reply().refusal == Refusal::busy);
  CHECK(flooded.inbox->size_from(1) == 1);
}

TEST_CASE("a client that floods is closed where the node has no room for the refusals") {
  Flooded flooded({.unanswered_max = 10, .node_answer_bytes_max = 0});
  wire::Calls calls = calls_of(1, 8);
  calls.calls.resize(10000, calls.calls.front());

  for (int i = 0; i < 100; ++i)   // The refusals would be less than one connection may have.
    flooded.client.write(calls);  // Gives up when it is closed.

  CHECK(flooded.client.is_closed());
}

TEST_CASE("an entry is not answered while the socket has answers enough to take") {
  Flooded flooded({.query_answer_bytes_max = std::size_t{2} << 20});
  const Entry large{.id = {{1}, {1}},
                    .kind = EntryKind::command,
                    .payload = Bytes::copy_of(std::string(std::size_t{4} << 20, 'x'))};
  constexpr std::uint64_t count = 10;
  for (std::uint64_t id = 1; id <= count; ++id)
    flooded.client.write(wire::Request{.id = id, .peer = "p", .body = wire::AskEntry{{1}}});
  for (std::uint64_t id = 1; id <= count; ++id) {
    const auto heard = flooded.inbox->take();
    REQUIRE(heard);
    const auto& inbound = std::get<InboundRequest>(*heard);
    send_from_outside(inbound.connection, wire::Response{.id = inbound.request.id, .body = large});
  }

  std::size_t entries = 0;
  for (std::uint64_t id = 1; id <= count; ++id) {
    const auto packet = flooded.client.read();
    REQUIRE(packet);
    const auto& response = std::get<wire::Response>(*packet);
    CHECK(response.id == id);
    if (std::holds_alternative<Entry>(response.body))
      ++entries;
    else
      CHECK(response.refusal == Refusal::busy);
  }
  CHECK(entries >= 1);
  CHECK(entries < count);
}

TEST_CASE("a connection with too many frames that are not answered is not read") {
  Flooded flooded({.unanswered_frames_max = 10});
  for (std::uint64_t id = 1; id <= 500; ++id)
    flooded.client.write(calls_of(id, 8));
  CHECK(flooded.inbox->size_from(10) == 10);

  // What another client asks comes behind all that would have been read.
  RawClient other(flooded.node.address());
  other.write(wire::Hello{});
  other.read();
  other.write(calls_of(1000, 8));
  CHECK(flooded.inbox->size_from(11) == 11);

  // Reading goes on as answers go out, and nothing is lost or out of order.
  std::uint64_t next = 1;
  while (next <= 500) {
    const auto heard = flooded.inbox->take();
    REQUIRE(heard);
    const std::uint64_t id = std::get<InboundCalls>(*heard).calls.calls.at(0).id;
    if (id == 1000)
      continue;
    CHECK(id == next);
    ++next;
    CHECK(flooded.inbox->size() <= 11);
  }
}

TEST_CASE("a connection with too many requests that are not answered is not read") {
  Flooded flooded({.unanswered_requests_max = 4});
  for (std::uint64_t id = 1; id <= 100; ++id)
    flooded.client.write(wire::Request{.id = id, .peer = "p", .body = wire::AskStatus{}});
  CHECK(flooded.inbox->size_from(4) == 4);

  for (std::uint64_t id = 1; id <= 100; ++id) {
    const auto heard = flooded.inbox->take();
    REQUIRE(heard);
    CHECK(std::get<InboundRequest>(*heard).request.id == id);
    CHECK(flooded.inbox->size() <= 4);
  }
}

TEST_CASE("what all connections of a node ask with is bounded together") {
  constexpr std::size_t bytes = std::size_t{100} << 10;
  Flooded flooded({.node_unanswered_bytes_max = 10 * bytes});
  RawClient other(flooded.node.address());
  other.write(wire::Hello{});
  other.read();

  for (std::uint64_t id = 1; id <= 20; ++id)
    flooded.client.write(calls_of(id, bytes));
  for (std::uint64_t id = 10; id <= 20; ++id)
    CHECK(flooded.next_reply().refusal == Refusal::busy);
  CHECK(flooded.inbox->size_from(9) == 9);

  // A connection that asks little is read all the same.
  other.write(calls_of(1000, bytes));
  const auto refused = other.read();
  REQUIRE(refused);
  CHECK(std::get<wire::CallReplies>(*refused).replies.at(0).refusal == Refusal::busy);
  other.write(calls_of(1001, 8));
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
