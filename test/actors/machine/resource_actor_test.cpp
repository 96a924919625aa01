#include "actors/machine/resource_actor.hpp"

#include "test/actors/register_kind.hpp"
#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

namespace troupe::actors {
namespace {

using test::command;
using test::Ear;
using test::register_kind;
using test::StillSystem;

Entry entry(std::uint64_t index, Bytes payload, EntryKind kind = EntryKind::command) {
  return {.id = {{1}, {index}}, .kind = kind, .payload = std::move(payload)};
}

struct Stage {
  StillSystem still{};
  Ear peer{still};
  Ear client{still};
  caf::actor resource = still.actors->spawn<ResourceActor>(register_kind());

  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    send_from_outside(resource, Stop{});
    still.run();
  }

  void apply(std::vector<Entry> entries, bool with_outcomes = true) {
    send_from_outside(resource, Apply{peer.actor, std::move(entries), with_outcomes});
  }
};

TEST_CASE("each command of a batch has its outcome, other entries have none") {
  Stage stage;

  stage.apply({entry(1, {}, EntryKind::noop), entry(2, command("=a")), entry(3, command("no"))});
  stage.still.run();

  REQUIRE(stage.peer->applied.size() == 1);
  const Applied& applied = stage.peer->applied[0];
  CHECK(applied.upto == Index{3});
  REQUIRE(applied.outcomes.size() == 2);
  CHECK(applied.outcomes[0].id.index == Index{2});
  CHECK(applied.outcomes[0].reply == machine::Reply::ok(""));
  CHECK(applied.outcomes[1].reply == machine::Reply::refused("no_means_no"));
}

TEST_CASE("what is no command in the log is refused, and the entries behind it apply") {
  Stage stage;

  stage.apply({entry(1, Bytes::copy_of("not an envelope")), entry(2, command("nonsense")),
               entry(3, command("=b")), entry(4, command("=c"))});
  stage.still.run();

  REQUIRE(stage.peer->applied.size() == 1);
  const auto& outcomes = stage.peer->applied[0].outcomes;
  REQUIRE(outcomes.size() == 4);
  CHECK(outcomes[0].reply == machine::Reply::refused("invalid_command"));
  CHECK(outcomes[1].reply == machine::Reply::refused("invalid_command"));
  CHECK(outcomes[3].reply == machine::Reply::ok("b"));
}

TEST_CASE("a command in the log with fields that mean nothing yet applies as it always did") {
  Stage stage;

  stage.apply({entry(1, test::reserved_command("=a", 7, 8, "other")), entry(2, command("=b"))});
  stage.still.run();

  REQUIRE(stage.peer->applied.size() == 1);
  CHECK(stage.peer->applied[0].outcomes[1].reply == machine::Reply::ok("a"));
}

/// So many questions with one ticket.
Ask ask(const caf::actor& connection, std::size_t count, Ticket ticket = {}) {
  Ask asked;
  for (std::size_t i = 1; i <= count; ++i)
    asked.queries.push_back({.connection = connection, .id = i, .question = Bytes::copy_of("?")});
  asked.tickets.push_back(std::move(ticket));
  return asked;
}

TEST_CASE("answers come in portions, and others get their say in between") {
  Stage stage;
  const std::string large(std::size_t{1} << 20, 'x');
  stage.apply({entry(1, command("=" + large))});
  stage.still.run();

  send_from_outside(stage.resource, ask(stage.client.actor, 6));
  stage.apply({entry(2, command("=b"))});
  send_from_outside(stage.resource, Stop{});  // Behind all of them.
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(replies[i].id == i + 1);
    CHECK(replies[i].index == Index{i < 4 ? 1U : 2U});
    CHECK(replies[i].value.text() == (i < 4 ? large : "b"));
  }
}

TEST_CASE("small answers come in portions, too") {
  Stage stage;
  stage.apply({entry(1, command("=a"))});
  send_from_outside(stage.resource, ask(stage.client.actor, 3000));
  stage.apply({entry(2, command("=b"))});
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 3000);
  CHECK(replies[1023].value.text() == "a");
  CHECK(replies[1024].value.text() == "b");
}

TEST_CASE("queries whose answers would take more than their connection may have are busy") {
  Stage stage;
  Backlog backlog({.answer_bytes_max = std::size_t{2} << 20});
  stage.apply({entry(1, command("=" + std::string(std::size_t{1} << 20, 'x')))});
  send_from_outside(stage.resource, ask(stage.client.actor, 100, backlog.admit(100, 100)));
  stage.still.run();

  auto& replies = stage.client->replies;  // Which are as good as not written.
  REQUIRE(replies.size() == 100);
  for (std::size_t i = 0; i < 100; ++i)
    CHECK(replies[i].refusal == (i < 2 ? Refusal::none : Refusal::busy));

  replies.clear();
  send_from_outside(stage.resource, ask(stage.client.actor, 1, backlog.admit(1, 1)));
  stage.still.run();
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].refusal == Refusal::none);
}

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// A resource with a value of a mebibyte, and a client whose queries wait beyond two.
struct HeldStage : Stage {
  Backlog backlog{BacklogLimits{.query_answer_bytes_max = 2 * mebibyte}};

  HeldStage() {
    apply({entry(1, command("=" + std::string(mebibyte, 'x')))});
    still.run();
  }

  std::vector<wire::CallReply>& ask_for(std::size_t count) {
    send_from_outside(resource, ask(client.actor, count, backlog.admit(count, count)));
    still.run();
    return client->replies;
  }
};

TEST_CASE("queries wait until their connection has taken the answers before them") {
  HeldStage stage;
  Ear other(stage.still);
  auto& replies = stage.ask_for(5);
  REQUIRE(replies.size() == 2);
  stage.ask_for(1);  // Behind those that wait, also if there is room for a smaller answer.
  CHECK(replies.size() == 2);

  // Others are answered, and entries apply.
  Backlog others({.query_answer_bytes_max = 2 * mebibyte});
  send_from_outside(stage.resource, ask(other.actor, 1, others.admit(1, 1)));
  send_from_outside(stage.resource, ask(other.actor, 1));
  stage.apply({entry(2, command("=b"))});
  stage.still.run();
  CHECK(other->replies.size() == 2);
  CHECK(replies.size() == 2);

  replies.pop_back();
  stage.still.run();
  REQUIRE(replies.size() == 5);
  const std::vector<std::uint64_t> ids{1, 3, 4, 5, 1};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CHECK(replies[i].id == ids[i]);
    CHECK(replies[i].refusal == Refusal::none);
    CHECK(replies[i].index == Index{i < 1 ? 1U : 2U});
  }
}

TEST_CASE("queries that wait are answered as their connection takes the answers, and not before") {
  HeldStage stage;
  std::size_t answered = stage.ask_for(20).size();
  CHECK(answered == 2);
  for (int i = 0; i < 20 && answered < 20; ++i) {
    CHECK(stage.client->replies.size() <= 2);
    stage.client->replies.clear();
    stage.still.run();
    answered += stage.client->replies.size();
  }
  CHECK(answered == 20);
}

TEST_CASE("queries that wait for a connection that has ended are not answered") {
  HeldStage stage;
  CHECK(stage.ask_for(100).size() == 2);
  stage.backlog.end();
  stage.still.run();
  CHECK(stage.client->replies.size() == 2);
  CHECK(stage.ask_for(3).size() == 2);
}

TEST_CASE("queries that wait when their resource stops are refused as busy") {
  HeldStage stage;
  CHECK(stage.ask_for(3).size() == 2);
  send_from_outside(stage.resource, Stop{});
  stage.still.run();
  REQUIRE(stage.client->replies.size() == 3);
  CHECK(stage.client->replies[2].id == 3);
  CHECK(stage.client->replies[2].refusal == Refusal::busy);
}

TEST_CASE("outcomes that nobody waits for are not made") {
  Stage stage;

  stage.apply({entry(1, command("=a"))}, false);
  stage.still.run();

  REQUIRE(stage.peer->applied.size() == 1);
  CHECK(stage.peer->applied[0].upto == Index{1});
  CHECK(stage.peer->applied[0].outcomes.empty());
}

TEST_CASE("queries behind an entry see it, and are answered in one frame for each client") {
  Stage stage;

  stage.apply({entry(1, command("=a"))});
  send_from_outside(stage.resource, Ask{{{stage.client.actor, 7, Bytes::copy_of("?")},
                                         {stage.client.actor, 8, Bytes{}}}});
  stage.still.run();

  CHECK(stage.client->reply_frames == 1);
  REQUIRE(stage.client->replies.size() == 2);
  CHECK(stage.client->replies[0].id == 7);
  CHECK(stage.client->replies[0].value.text() == "a");
  CHECK(stage.client->replies[0].index == Index{1});
  CHECK(stage.client->replies[1].refusal == Refusal::invalid);
}

}  // namespace
}  // namespace troupe::actors
