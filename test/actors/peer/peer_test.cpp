#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using test::address_of;
using test::command;
using test::founded;
using test::PeerStage;

/// A peer that decides alone, and has.
struct Alone : PeerStage {
  Alone() : PeerStage(founded(1)) { still.pass(300ms); }
};

TEST_CASE(
    "commands that arrive together reach the disk in one write and are answered in one frame") {
  Alone stage;
  const auto commits = stage.disk.commits;

  for (std::uint64_t id = 1; id <= 10; ++id)
    stage.write(id, "=" + std::to_string(id));
  stage.still.run();

  CHECK(stage.disk.commits == commits + 1);
  CHECK(stage.client->reply_frames == 1);
  REQUIRE(stage.client->replies.size() == 10);
  for (std::uint64_t id = 1; id <= 10; ++id) {
    const wire::CallReply& reply = stage.client->replies[id - 1];
    CHECK(reply.id == id);
    CHECK(reply.refusal == Refusal::none);
    CHECK(reply.index == Index{2 + id});  // Behind the configuration and the no-op.
    CHECK(reply.value.text() == (id == 1 ? "" : std::to_string(id - 1)));
  }
}

TEST_CASE("of commands that arrive together in great numbers the first leave before the last") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.second->messages.clear();

  for (std::uint64_t batch = 0; batch < 10; ++batch) {
    std::vector<std::pair<std::uint64_t, Bytes>> calls;
    for (std::uint64_t i = 0; i < 100; ++i)
      calls.emplace_back(100 * batch + i, command("=a"));
    stage.call(wire::CallKind::command, std::move(calls));
  }
  stage.still.run();

  std::vector<std::size_t> parts;
  for (const Message& message : stage.second->messages)
    if (const auto* request = std::get_if<AppendRequest>(&message.body))
      parts.push_back(request->entries.size());
  CHECK(parts == std::vector<std::size_t>{300, 300, 300, 100});
  stage.second_accepts();
  CHECK(stage.client->replies.size() == 1000);
}

TEST_CASE("a command that the kind does not know is refused, those beside it are not") {
  Alone stage;

  stage.call(wire::CallKind::command, {{1, command("nonsense")},
                                       {2, Bytes::copy_of("no envelope")},
                                       {3, command("=a")},
                                       {4, command("no")}});
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 4);
  CHECK(replies[0].refusal == Refusal::invalid);
  CHECK(replies[1].refusal == Refusal::invalid);
  CHECK(replies[2].refusal == Refusal::none);
  CHECK(replies[3].refusal == Refusal::resource);
  CHECK(replies[3].detail == "no_means_no");
}

TEST_CASE("a command with fields that mean nothing yet does not enter the log") {
  Alone stage;
  const std::size_t entries = stage.disk.logs[test::us].entries.size();

  stage.call(wire::CallKind::command, {{1, test::reserved_command("=a", 7, 0, "")},
                                       {2, test::reserved_command("=a", 0, 7, "")},
                                       {3, test::reserved_command("=a", 0, 0, "other")},
                                       {4, test::reserved_command("=b", 0, 0, "")}});
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 4);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(replies[i].refusal == Refusal::invalid);
    CHECK(replies[i].detail
          == "the command sets session, sequence or resource, which are reserved");
  }
  CHECK(replies[3].refusal == Refusal::none);
  CHECK(stage.disk.logs[test::us].entries.size() == entries + 1);
}

/// Commands as they come in one frame, each a slice of it.
struct FrameOfCommands {
  std::shared_ptr<const std::string> memory{};
  std::vector<Bytes> commands{};

  explicit FrameOfCommands(const std::vector<Bytes>& parts) {
    std::string all;
    for (const Bytes& part : parts)
      all += std::string(part.text());
    memory = std::make_shared<const std::string>(std::move(all));
    std::size_t offset = 0;
    for (const Bytes& part : parts) {
      const auto* data = reinterpret_cast<const std::uint8_t*>(memory->data()) + offset;
      commands.emplace_back(memory, std::span(data, part.size()));
      offset += part.size();
    }
  }
};

/// Whether a peer that was sent the commands keeps the memory of their frame.
bool keeps_frame(const std::vector<Bytes>& parts, std::size_t entries) {
  Alone stage;
  const std::size_t before = stage.disk.logs[test::us].entries.size();
  std::weak_ptr<const std::string> memory;
  {
    FrameOfCommands frame(parts);
    memory = frame.memory;
    InboundCalls inbound{.connection = stage.client.actor, .calls = {}};
    inbound.frame_bytes = frame.memory->size();
    for (std::size_t i = 0; i < frame.commands.size(); ++i)
      inbound.calls.calls.push_back({i + 1, frame.commands[i]});
    send_from_outside(stage.peer, std::move(inbound));
  }
  stage.still.run();
  CHECK(stage.disk.logs[test::us].entries.size() == before + entries);
  return !memory.expired();
}

TEST_CASE("what stays in the log of a frame keeps no more memory than it has bytes, about") {
  const Bytes large = Bytes::copy_of(std::string(100000, 'x'));  // No command.

  CHECK(keeps_frame({command("=a")}, 1));
  CHECK(keeps_frame({command("=a"), command("=b"), command("=c")}, 3));
  CHECK_FALSE(keeps_frame({large, command("=a")}, 1));
  CHECK_FALSE(keeps_frame({large, command("=a"), command("=b"), command("=c")}, 3));

  const Bytes nonsense = Bytes::copy_of(std::string(command("=a").size(), 'x'));
  CHECK(keeps_frame({nonsense, command("=a"), command("=b"), command("=c")}, 3));
  CHECK_FALSE(keeps_frame({nonsense, nonsense, nonsense, command("=a")}, 1));
}

TEST_CASE("a reply for which its connection has no room is left out, and the command happened") {
  Alone stage;
  stage.write(1, "=" + std::string(1000, 'x'));
  stage.still.run();
  Backlog full({.answer_bytes_max = 0});
  InboundCalls inbound{.connection = stage.client.actor, .calls = {}};
  inbound.calls.calls = {{2, command("=b")}, {3, command("=c")}};
  inbound.ticket = full.admit(2, 0);
  send_from_outside(stage.peer, std::move(inbound));
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 3);
  CHECK(replies[1].refusal == Refusal::resource);
  CHECK(replies[1].detail == "reply_too_large");
  CHECK(replies[2].value.text() == "b");
}

TEST_CASE("a peer without a leader sends clients elsewhere, one with a leader writers to it") {
  PeerStage stage(founded(3));
  stage.connect();

  stage.write(1, "=a");
  stage.still.run();
  stage.hear({2}, {2},
             AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .entries = {}, .read = {}});
  stage.write(2, "=a");
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].refusal == Refusal::redirect);
  CHECK(replies[0].detail == "");
  CHECK(replies[1].refusal == Refusal::redirect);
  CHECK(replies[1].detail == "p2@h2:1");
}

TEST_CASE("a follower answers a read from where its leader says, when it has come as far") {
  PeerStage stage(founded(3));
  stage.connect();
  const AppendRequest heartbeat{.previous = {{1}, {1}}, .commit = {1}, .entries = {}, .read = {}};
  stage.hear({2}, {2}, heartbeat);
  stage.still.run();  // What is asked in the turn that finds a leader is lost with the role before.

  stage.read(3);
  stage.still.run();
  const Message* asked = stage.last_to_second<ReadIndexRequest>();
  REQUIRE(asked != nullptr);
  const auto& request = std::get<ReadIndexRequest>(asked->body);
  CHECK(stage.client->replies.empty());
  stage.hear({2}, {2}, ReadIndexResponse{request.upto, request.boot, {1}});
  stage.still.run();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].id == 3);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
}

TEST_CASE("a command is answered when a quorum has it and not before") {
  PeerStage stage(founded(3));
  stage.lead();

  stage.write(1, "=a");
  stage.still.run();
  CHECK(stage.client->replies.empty());
  stage.second_accepts();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
}

TEST_CASE("a lost leadership leaves commands in doubt and sends reads elsewhere") {
  PeerStage stage(founded(3));
  const Term term = stage.lead();
  stage.write(1, "=a");
  stage.read(2);
  stage.still.run();

  stage.hear({3}, {term.value + 1},
             AppendRequest{.previous = {term, {2}}, .commit = {2}, .entries = {}, .read = {}});
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].id == 1);
  CHECK(replies[0].refusal == Refusal::unknown_outcome);
  CHECK(replies[1].id == 2);
  CHECK(replies[1].refusal == Refusal::redirect);
  CHECK(replies[1].detail == "p3@h3:1");
}

TEST_CASE("a read waits for a round to a quorum, and sees what was written before it") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.write(1, "=a");
  stage.still.run();
  stage.second_accepts();

  stage.read(2);
  stage.still.run();
  CHECK(stage.client->replies.size() == 1);
  stage.second_accepts();

  REQUIRE(stage.client->replies.size() == 2);
  CHECK(stage.client->replies[1].id == 2);
  CHECK(stage.client->replies[1].value.text() == "a");
}

TEST_CASE("a peer whose disk failed says so to all who wait, and stops") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.disk.fail_next_write = storage::StoreError{storage::StoreError::Kind::io, "no such luck"};

  stage.write(1, "=a");
  stage.read(2);
  stage.still.run();

  const auto& replies = stage.client->replies;
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].refusal == Refusal::disk_failed);
  CHECK(replies[1].refusal == Refusal::disk_failed);
  REQUIRE(stage.node->stopped.size() == 1);
  CHECK(stage.node->stopped[0].failure == "no such luck");
  CHECK(stage.node->stopped[0].configuration.voters.size() == 3);
}

TEST_CASE("calls that reach a peer after its end are passed to its node") {
  PeerStage stage(founded(3));
  send_from_outside(stage.peer, Stop{});
  stage.still.run();
  REQUIRE(stage.node->stopped.size() == 1);

  stage.write(1, "=a");
  stage.still.run();

  CHECK(stage.client->replies.empty());
  REQUIRE(stage.node->calls.size() == 1);
  CHECK(stage.node->calls[0].calls.calls[0].id == 1);
}

TEST_CASE("a leader that is told to stop hands over first") {
  PeerStage stage(founded(3));
  const Term term = stage.lead();
  stage.third_accepts();

  send_from_outside(stage.peer, Stop{});
  stage.still.run();
  CHECK(stage.last_to_second<TimeoutNow>() != nullptr);
  CHECK(stage.node->stopped.empty());
  stage.hear({2}, {term.value + 1}, VoteRequest{.last = {term, {2}}, .transfer = true});
  stage.still.run();
  CHECK(stage.node->stopped.empty());
  stage.hear({2}, {term.value + 1}, AppendRequest{.previous = {term, {2}}, .commit = {2}});
  stage.still.run();
  stage.still.pass(100ms);

  REQUIRE(stage.node->stopped.size() == 1);
  CHECK(stage.node->stopped[0].failure.empty());
}

TEST_CASE("a leader that is told to stop serves on until the others can do without it") {
  PeerStage stage(founded(3));
  stage.lead();

  send_from_outside(stage.peer, Stop{});
  stage.write(1, "=a");
  stage.still.run();
  stage.second_accepts();
  CHECK(stage.last_to_second<TimeoutNow>() == nullptr);
  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
  stage.third_accepts();

  CHECK(stage.last_to_second<TimeoutNow>() != nullptr);
}

TEST_CASE("a leader that is told to stop waits half of its time for those who lag, not longer") {
  PeerStage stage(founded(3));
  const Term term = stage.lead();
  const auto pass_half = [&] {
    for (int i = 0; i < 5; ++i) {
      stage.second_accepts();
      stage.hear({3}, term, AppendResponse{.verdict = Rejected{}});
      stage.still.pass(50ms);
    }
  };

  send_from_outside(stage.peer, Stop{});
  pass_half();
  CHECK(stage.last_to_second<TimeoutNow>() == nullptr);
  pass_half();

  CHECK(stage.last_to_second<TimeoutNow>() != nullptr);
}

TEST_CASE("calls that come while a leader hands over are sent to its heir, once that leads") {
  PeerStage stage(founded(3));
  const Term term = stage.lead();
  stage.third_accepts();
  send_from_outside(stage.peer, Stop{});
  stage.still.run();

  stage.write(1, "=a");
  stage.still.run();
  stage.hear({2}, {term.value + 1}, VoteRequest{.last = {term, {2}}, .transfer = true});
  stage.still.run();
  const auto before = stage.client->replies;
  stage.hear({2}, {term.value + 1}, AppendRequest{.previous = {term, {2}}, .commit = {2}});
  stage.still.run();

  CHECK(before.empty());
  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::redirect);
  CHECK(stage.client->replies[0].detail == "p2@" + address_of({2}));
}

/// A leader of three that was told to stop, and follows its heir, peer 2.
struct HandedOver : PeerStage {
  Term own{};
  Term heirs{};

  HandedOver() : PeerStage(founded(3)) {
    own = lead();
    heirs = {own.value + 1};
    third_accepts();
    send_from_outside(peer, Stop{});
    still.run();
    hear({2}, heirs, VoteRequest{.last = {own, {2}}, .transfer = true});
    still.run();
    hear({2}, heirs, AppendRequest{.previous = {own, {2}}, .commit = {2}});
    still.pass(10ms);
  }
};

TEST_CASE("calls that were on their way when an heir took over are sent there, too") {
  HandedOver stage;
  CHECK(stage.node->stopped.empty());

  stage.write(1, "=a");
  stage.still.run();
  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::redirect);
  CHECK(stage.client->replies[0].detail == "p2@" + address_of({2}));
  stage.still.pass(100ms);

  CHECK(stage.node->stopped.size() == 1);
}

TEST_CASE("who sends late calls to its heir counts for that one's quorum, but leads no more") {
  HandedOver stage;
  const Entry entry{.id = {stage.heirs, {3}}, .kind = EntryKind::command, .payload = command("=a")};

  stage.hear({2}, stage.heirs,
             AppendRequest{.previous = {stage.own, {2}}, .commit = {2}, .entries = {entry}});
  stage.hear({2}, stage.heirs, TimeoutNow{});
  stage.still.run();

  const Message* answer = stage.last_to_second<AppendResponse>();
  REQUIRE(answer != nullptr);
  const auto& verdict = std::get<AppendResponse>(answer->body).verdict;
  REQUIRE(std::holds_alternative<Accepted>(verdict));
  CHECK(std::get<Accepted>(verdict).matched == Index{3});
  CHECK(stage.disk.logs[test::us].entries.back().id == entry.id);
  CHECK(stage.last_to_second<VoteRequest>()->term == stage.own);
  stage.still.pass(100ms);
  CHECK(stage.node->stopped.size() == 1);
}

TEST_CASE("calls that come during a handover that fails are taken when it is given up") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.request(wire::TransferLeadership{"p2@" + address_of({2})});
  stage.still.run();

  stage.write(1, "=a");
  stage.still.run();
  CHECK(stage.client->replies.empty());
  for (int i = 0; i < 8; ++i) {  // It answers, but does not campaign.
    stage.second_accepts();
    stage.still.pass(50ms);
  }
  stage.second_accepts();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
  REQUIRE(stage.client->responses.size() == 1);
  CHECK(stage.client->responses[0].refusal == Refusal::timeout);
}

TEST_CASE("a leader whom nobody hears stops all the same, in time") {
  PeerStage stage(founded(3));
  stage.lead();
  stage.write(1, "=a");
  stage.still.run();

  send_from_outside(stage.peer, Stop{});
  stage.still.pass(1000ms);

  CHECK(stage.node->stopped.size() == 1);
  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::unknown_outcome);
}

TEST_CASE("a leader that decides alone answers what it took before it stops") {
  Alone stage;

  stage.write(1, "=a");
  send_from_outside(stage.peer, Stop{});
  stage.still.run();

  REQUIRE(stage.client->replies.size() == 1);
  CHECK(stage.client->replies[0].refusal == Refusal::none);
  CHECK(stage.node->stopped.size() == 1);
}

TEST_CASE("a follower whose leader's node is gone names no leader") {
  PeerStage stage(founded(3));
  stage.connect();
  stage.hear({2}, {2},
             AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .entries = {}, .read = {}});
  stage.still.run();
  CHECK(std::get<std::string>(stage.ask(wire::AskLeader{}).body) == "p2@h2:1");

  send_from_outside(stage.peer, LinkDown{address_of({2})});
  stage.still.run();

  CHECK(std::get<std::string>(stage.ask(wire::AskLeader{}).body) == "");
}

TEST_CASE("status and entries tell what a peer has") {
  Alone stage;
  stage.write(1, "=a");
  stage.still.run();

  const auto status = std::get<wire::PeerStatus>(stage.ask(wire::AskStatus{}).body);
  const auto entry = std::get<Entry>(stage.ask(wire::AskEntry{{3}}).body);

  CHECK(status.name == "p1@h1:1");
  CHECK(status.leader == "p1@h1:1");
  CHECK(status.kind == "register");
  CHECK(status.role == Role::leader);
  CHECK(status.commit == Index{3});
  CHECK(status.applied == Index{3});
  CHECK(status.configuration.voters.size() == 1);
  CHECK(entry.kind == EntryKind::command);
  CHECK(entry.payload == command("=a"));
  CHECK(stage.ask(wire::AskEntry{{4}}).refusal == Refusal::not_found);
}

}  // namespace
}  // namespace troupe::actors
