#include "actors/peer/held_reads.hpp"
#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

#include <memory>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using test::cluster;
using test::command;
using test::founded;
using test::PeerStage;

constexpr auto hold_max = 500ms;
constexpr auto less_than_an_election = 100ms;

Entry write_of(std::uint64_t term, std::uint64_t index, std::string_view text) {
  return {.id = {{term}, {index}}, .kind = EntryKind::command, .payload = command(text)};
}

/// Peer 1 follows peer 2 of three, which has had "=a" committed at index 2.
struct Follower : PeerStage {
  Follower() : PeerStage(founded(3)) {
    connect();
    append({{1}, {1}}, {write_of(2, 2, "=a")}, {2});
  }

  /// From peer 2, in term 2.
  void append(EntryId previous, std::vector<Entry> entries, Index commit) {
    hear({2}, {2},
         AppendRequest{
             .previous = previous, .commit = commit, .entries = std::move(entries), .read = {}});
    still.run();
  }

  void read_behind(std::uint64_t id, std::vector<wire::Seen> seen) {
    InboundCalls inbound{.connection = client.actor, .calls = {}};
    inbound.calls = {.peer = "p1",
                     .kind = wire::CallKind::query,
                     .level = ReadLevel::sequential,
                     .calls = {{id, Bytes::copy_of("?")}},
                     .seen = std::move(seen)};
    send_from_outside(peer, std::move(inbound));
    still.run();
  }
};

TEST_CASE(
    "a follower answers a sequential read at once if it has applied what the asker has seen") {
  Follower stage;

  stage.read_behind(1, {});
  stage.read_behind(2, {{cluster, {2}}});

  REQUIRE(stage.client->replies.size() == 2);
  for (const wire::CallReply& reply : stage.client->replies) {
    CHECK(reply.refusal == Refusal::none);
    CHECK(reply.index == Index{2});
    CHECK(reply.value.text() == "a");
  }
}

TEST_CASE("a sequential read waits until its peer has applied what the asker has seen") {
  Follower stage;

  stage.read_behind(1, {{cluster, {3}}});
  stage.append({{2}, {2}}, {write_of(2, 3, "=b")}, {2});
  CHECK(stage.client->replies.empty());
  stage.append({{2}, {3}}, {}, {3});

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].index == Index{3});
  CHECK(stage.client->replies[0].value.text() == "b");
}

TEST_CASE("what was seen of another cluster holds no sequential read up") {
  Follower stage;

  stage.read_behind(1, {{{cluster.value - 1}, {900}}, {cluster, {2}}, {{cluster.value + 1}, {9}}});

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
}

TEST_CASE("a sequential read that waits for too long is refused, and no other with it") {
  Follower stage;

  stage.read_behind(1, {{cluster, {4}}});
  stage.still.pass(less_than_an_election);
  stage.read_behind(2, {{cluster, {4}}});
  stage.still.pass(hold_max - less_than_an_election);

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].id == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::timeout);
  stage.still.pass(less_than_an_election);
  REQUIRE(stage.client->replies.size() == 2);
  CHECK(stage.client->replies[1].id == 2);
  CHECK(stage.client->replies[1].refusal == Refusal::timeout);
}

TEST_CASE("a sequential read that waits outlives its leader") {
  Follower stage;
  stage.read_behind(1, {{cluster, {3}}});

  stage.hear(
      {3}, {3},
      AppendRequest{
          .previous = {{2}, {2}}, .commit = {3}, .entries = {write_of(3, 3, "=c")}, .read = {}});
  stage.still.run();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
  CHECK(stage.client->replies[0].value.text() == "c");
}

TEST_CASE("a peer without a leader serves sequential reads, and no others") {
  Follower stage;
  stage.still.pass(600ms);  // Nobody leads any more.

  stage.read_behind(1, {{cluster, {2}}});
  stage.read(2);
  stage.still.run();

  REQUIRE(stage.client->replies.size() == 2);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
  CHECK(stage.client->replies[0].value.text() == "a");
  CHECK(stage.client->replies[1].refusal != Refusal::none);
}

TEST_CASE("a leader serves sequential reads without a round") {
  PeerStage stage(founded(3));
  stage.lead();
  const std::size_t frames = stage.second->message_frames;

  stage.call(wire::CallKind::query, ReadLevel::sequential, {{1, Bytes::copy_of("?")}});
  stage.still.run();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
  CHECK(stage.second->message_frames == frames);
}

TEST_CASE("a peer that is in no cluster, or not any more, serves no sequential reads") {
  PeerStage empty(Recovered{});
  empty.call(wire::CallKind::query, ReadLevel::sequential, {{1, Bytes::copy_of("?")}});
  empty.still.run();
  REQUIRE(empty.client->replies.size() == 1);
  CHECK(empty.client->replies[0].refusal == Refusal::election_in_progress);

  for (const bool stands_by : {false, true}) {
    CAPTURE(stands_by);
    Follower removed;
    Configuration others;
    others.voters = {test::member({2}), test::member({3})};
    if (stands_by)
      others.standbys = {test::member({1})};
    removed.append({{2}, {2}},
                   {{.id = {{2}, {3}},
                     .kind = EntryKind::configuration,
                     .payload = Bytes::copy_of(encode(others))}},
                   {3});

    removed.read_behind(2, {});

    REQUIRE(removed.client->replies.size() == 1);
    CHECK(removed.client->replies[0].refusal == Refusal::redirect);
    CHECK(removed.client->replies[0].detail == "p2@h2:1");
  }
}

TEST_CASE("sequential reads that wait are answered when their peer stops or its disk fails") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    Follower stage;
    stage.read_behind(1, {{cluster, {9}}});
    CHECK(stage.client->replies.empty());

    if (fails) {
      stage.disk.fail_next_write = storage::StoreError{storage::StoreError::Kind::io, "broken"};
      stage.append({{2}, {2}}, {write_of(2, 3, "=b")}, {2});
    } else {
      send_from_outside(stage.peer, Stop{});
      stage.still.run();
    }

    REQUIRE(stage.client->replies.size() == 1);
    CHECK(stage.client->replies[0].refusal == (fails ? Refusal::disk_failed : Refusal::redirect));
  }
}

TEST_CASE("answers say of which cluster they are, and who leads it if another peer does") {
  Follower follower;
  follower.read_behind(1, {});
  CHECK(follower.client->cluster == cluster);
  CHECK(follower.client->leader == "p2@h2:1");

  PeerStage leader(founded(3));
  leader.lead();
  leader.write(1, "=a");
  leader.still.run();
  leader.second_accepts();
  REQUIRE(leader.client->replies.size() == 1);
  CHECK(leader.client->cluster == cluster);
  CHECK(leader.client->leader == "");
}

TEST_CASE("no more sequential reads are held than the limits allow, and places get free again") {
  test::StillSystem still;
  test::Ear client(still);
  const std::vector<wire::Call> two = {{1, Bytes::copy_of("q")}, {2, Bytes::copy_of("q")}};
  Replies replies;

  HeldReads few({.calls_max = 4, .bytes_max = 1000});
  CHECK(few.add({5}, Time(10), client.actor, two));
  CHECK(few.add({4}, Time(11), client.actor, two));
  CHECK_FALSE(few.add({5}, Time(12), client.actor, two));
  CHECK(few.deadline() == Time(10));
  CHECK(few.take({4}).queries.size() == 2);
  CHECK(few.add({6}, Time(12), client.actor, two));
  few.refuse_late(Time(10), replies);
  CHECK(replies.to(client.actor).size() == 2);
  CHECK(few.deadline() == Time(12));
  few.lose_all(Refusal::redirect, replies);
  CHECK(replies.to(client.actor).size() == 4);
  CHECK(few.deadline() == never);

  HeldReads small({.calls_max = 100, .bytes_max = 1000});
  CHECK_FALSE(small.add({5}, Time(10), client.actor, {{1, Bytes::copy_of(std::string(999, 'x'))}}));
  CHECK(small.add({5}, Time(10), client.actor, {{1, Bytes::copy_of(std::string(800, 'x'))}}));
  CHECK_FALSE(small.add({5}, Time(10), client.actor, {{1, Bytes::copy_of(std::string(200, 'x'))}}));
}

TEST_CASE("a held read keeps nothing alive but its own question") {
  test::StillSystem still;
  test::Ear client(still);
  auto buffer = std::make_shared<const std::string>(std::size_t{1} << 20, 'x');
  const std::weak_ptr<const std::string> watch = buffer;
  const auto* data = reinterpret_cast<const std::uint8_t*>(buffer->data());
  HeldReads held;

  CHECK(held.add({5}, Time(10), client.actor, {{1, Bytes(std::move(buffer), {data, 3})}}));

  CHECK(watch.expired());
  CHECK(held.take({5}).queries.at(0).question.text() == "xxx");
}

}  // namespace
}  // namespace troupe::actors
