#include "actors/resource_actor.hpp"

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
