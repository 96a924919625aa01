#include "shell/interpreter.hpp"

#include "resources/kv_store/kv_store.hpp"
#include "shell/words.hpp"
#include "test/shell/run_line.hpp"
#include "wire/command.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::shell;

namespace {

/// Nodes that answer what they are told to, and remember what they were asked.
struct FakeNodes {
  struct Asked {
    std::string address{};
    wire::Request request{};
  };
  struct Called {
    std::string address{};
    std::string peer{};
    wire::CallKind kind = wire::CallKind::command;
    Bytes payload{};
    ReadLevel level = ReadLevel::linearizable;
  };
  std::deque<wire::Response> responses{};
  std::deque<wire::CallReply> replies{};
  std::vector<Asked> asked{};
  std::vector<Called> called{};

  Nodes nodes() {
    return {.request =
                [this](std::string address, wire::Request request, Duration) {
                  asked.push_back({std::move(address), std::move(request)});
                  REQUIRE_FALSE(responses.empty());
                  wire::Response response = std::move(responses.front());
                  responses.pop_front();
                  return response;
                },
            .call =
                [this](std::string address, std::string peer, wire::CallKind kind, Bytes payload,
                       Duration, ReadLevel level) {
                  called.push_back(
                      {std::move(address), std::move(peer), kind, std::move(payload), level});
                  REQUIRE_FALSE(replies.empty());
                  wire::CallReply reply = std::move(replies.front());
                  replies.pop_front();
                  return reply;
                }};
  }
};

machine::Kind kind_without_text() {
  machine::Kind kind = resources::kv_store_kind();
  kind.name = "ledger";
  kind.text.reset();
  return kind;
}

/// A shell of the node 127.0.0.1:4001 that knows the kind kv_store.
struct Shell {
  FakeNodes fake{};
  Interpreter interpreter{
      {.own_node = "127.0.0.1:4001",
       .kinds = machine::kinds({resources::kv_store_kind(), kind_without_text()}),
       .timeout = std::chrono::seconds(3),
       .follow = false},
      fake.nodes()};

  std::string run(std::string_view line) { return run_line(interpreter, line); }

  void will_answer(wire::Response response) { fake.responses.push_back(std::move(response)); }
  void will_reply(Refusal refusal, std::string detail, std::string_view value) {
    fake.replies.push_back({.id = 0,
                            .refusal = refusal,
                            .detail = std::move(detail),
                            .index = {},
                            .value = Bytes::copy_of(value)});
  }
};

wire::Response refusing(Refusal refusal, std::string detail = {}) {
  return {.id = 0, .refusal = refusal, .detail = std::move(detail), .body = {}};
}

template <class Body>
wire::Response answering(Body body) {
  return {.id = 0, .refusal = Refusal::none, .detail = {}, .body = std::move(body)};
}

wire::Response identity(std::string kind) {
  return answering(wire::Identity{.id = {1}, .kind = std::move(kind), .running = true});
}

}  // namespace

TEST_CASE("a peer without an address is asked of the shell's own node, others of theirs") {
  Shell shell;
  shell.will_answer(answering(std::string("peer1@127.0.0.1:4001")));
  shell.will_answer(answering(std::string()));

  CHECK(shell.run("leader peer1") == "peer1@127.0.0.1:4001");
  CHECK(shell.run("leader peer2@127.0.0.1:4002") == "none");

  REQUIRE(shell.fake.asked.size() == 2);
  CHECK(shell.fake.asked[0].address == "127.0.0.1:4001");
  CHECK(shell.fake.asked[0].request.peer == "peer1");
  CHECK(shell.fake.asked[1].address == "127.0.0.1:4002");
  CHECK(shell.fake.asked[1].request.peer == "peer2");
}

TEST_CASE("a peer starts, once") {
  Shell shell;
  shell.will_answer(answering(std::string("peer1@127.0.0.1:4001")));
  shell.will_answer(refusing(Refusal::already_started));
  shell.will_answer(refusing(Refusal::unknown_kind));

  CHECK(shell.run("start_peer kv_store peer1") == "ok peer1@127.0.0.1:4001");
  CHECK(shell.run("start_peer kv_store peer1") == "error already_started");
  CHECK(shell.run("start_peer queue peer9") == "error unknown_kind queue");
}

TEST_CASE("a peer stops, once") {
  Shell shell;
  shell.will_answer(answering(std::monostate()));
  shell.will_answer(refusing(Refusal::no_peer, "peer1@127.0.0.1:4001"));

  CHECK(shell.run("stop_peer peer1") == "ok");
  CHECK(shell.run("stop peer1") == "error no_peer peer1@127.0.0.1:4001");
}

TEST_CASE("members without an address are peers of the shell's own node, whoever is asked") {
  Shell shell;
  shell.will_answer(answering(Configuration{}));
  shell.will_answer(answering(Configuration{}));

  shell.run("set_configuration peer1 peer1 peer2@127.0.0.1:4002");
  shell.run("set_configuration peer2@127.0.0.1:4002 peer1 peer2@127.0.0.1:4002");

  REQUIRE(shell.fake.asked.size() == 2);
  using Members = std::vector<std::string>;
  CHECK(std::get<wire::SetConfiguration>(shell.fake.asked[0].request.body).members
        == Members{"peer1", "peer2@127.0.0.1:4002"});
  CHECK(shell.fake.asked[1].address == "127.0.0.1:4002");
  CHECK(std::get<wire::SetConfiguration>(shell.fake.asked[1].request.body).members
        == Members{"peer1@127.0.0.1:4001", "peer2@127.0.0.1:4002"});
}

TEST_CASE("a command is sent in the peer's own encoding and answered as its kind shows it") {
  Shell shell;
  shell.will_answer(identity("kv_store"));
  shell.will_reply(Refusal::none, "", "");

  CHECK(shell.run("write peer1 set foo bar") == "ok foo bar");

  REQUIRE(shell.fake.called.size() == 1);
  const FakeNodes::Called& call = shell.fake.called[0];
  CHECK(call.address == "127.0.0.1:4001");
  CHECK(call.peer == "peer1");
  CHECK(call.kind == wire::CallKind::command);
  const std::optional<wire::CommandView> command = wire::read_command(call.payload);
  REQUIRE(command);
  CHECK(machine::text(command->payload) == resources::kv_store::set("foo", "bar"));
}

TEST_CASE("a query is sent in the peer's own encoding and answered with the value") {
  Shell shell;
  shell.will_answer(identity("kv_store"));
  shell.will_reply(Refusal::none, "", "bar");
  shell.will_reply(Refusal::resource, "key_not_found", "");

  CHECK(shell.run("read peer1 get foo") == "ok bar");
  CHECK(shell.run("read peer1 get baz") == "error key_not_found");

  REQUIRE(shell.fake.called.size() == 2);
  CHECK(shell.fake.called[0].kind == wire::CallKind::query);
  CHECK(shell.fake.called[0].payload.text() == resources::kv_store::get("foo"));
}

TEST_CASE("a query is sent with its level") {
  Shell shell;
  shell.will_answer(identity("kv_store"));
  for (int i = 0; i < 3; ++i)
    shell.will_reply(Refusal::none, "", "bar");

  shell.run("read peer1 get foo");
  shell.run("read --lease peer1 get foo");
  shell.run("read peer1 --sequential get foo");

  REQUIRE(shell.fake.called.size() == 3);
  CHECK(shell.fake.called[0].level == ReadLevel::linearizable);
  CHECK(shell.fake.called[1].level == ReadLevel::lease);
  CHECK(shell.fake.called[2].level == ReadLevel::sequential);
}

TEST_CASE("the kind of a peer is asked once") {
  Shell shell;
  shell.will_answer(identity("kv_store"));
  for (int i = 0; i < 3; ++i)
    shell.will_reply(Refusal::none, "", "bar");

  for (int i = 0; i < 3; ++i)
    shell.run("read peer1 get foo");

  CHECK(shell.fake.asked.size() == 1);
}

TEST_CASE("the kind of a peer is asked again when the peer understood nothing") {
  Shell shell;
  shell.will_answer(identity("kv_store"));
  shell.will_reply(Refusal::invalid, "not a command", "");
  shell.will_answer(identity("kv_store"));
  shell.will_reply(Refusal::none, "", "bar");

  CHECK(shell.run("read peer1 get foo") == "error invalid not a command");
  CHECK(shell.run("read peer1 get foo") == "ok bar");
}

TEST_CASE("keys are listed as they can be typed, and a value as one") {
  const machine::Kind kind = resources::kv_store_kind();
  const auto store = kind.make();
  const Words keys{"a", "b c", "it's", "line\n"};
  for (std::uint64_t i = 0; i < keys.size(); ++i)
    store->apply({.index = {i + 1},
                  .bytes = machine::bytes(*kind.text->parse_command({"set", keys[i], "x"}))});
  const auto page = store->query(machine::bytes(*kind.text->parse_query({"list"})));
  Shell shell;
  shell.will_answer(identity("kv_store"));
  shell.will_reply(Refusal::none, "", page.value);
  shell.will_reply(Refusal::none, "", "a 'b c'");

  const std::string listed = shell.run("read peer1 list");

  CHECK(listed == R"(ok a 'b c' 'it'\''s' $'line\n')");
  CHECK(split(listed)->front() == Words{"ok", "a", "b c", "it's", "line\n"});
  CHECK(split(shell.run("read peer1 get a"))->front() == Words{"ok", "a 'b c'"});
}

TEST_CASE("a follower, or the node of a stopped peer, says who leads") {
  Shell shell;
  shell.will_answer(identity("kv_store"));
  shell.will_reply(Refusal::redirect, "peer3@127.0.0.1:4003", "");
  shell.will_reply(Refusal::redirect, "", "");

  CHECK(shell.run("write peer1 set foo bar") == "error redirect peer3@127.0.0.1:4003");
  CHECK(shell.run("read peer1 get foo") == "error redirect none");
}

TEST_CASE("nothing is sent of a command that its kind can't read") {
  Shell shell;
  shell.will_answer(identity("kv_store"));

  CHECK(shell.run("write peer1 put foo bar") == "usage: set KEY VALUE | delete KEY");
  CHECK(shell.run("read peer1 set foo bar") == "usage: get KEY | list [PREFIX [AFTER]]");
  CHECK(shell.fake.called.empty());
}

TEST_CASE("nothing is sent to a peer of a kind that the program does not know") {
  Shell shell;
  shell.will_answer(identity("queue"));

  CHECK(shell.run("write peer1 set foo bar") == "error unknown_kind queue");
  CHECK(shell.fake.called.empty());
}

TEST_CASE("nothing can be typed for a kind that only programs use") {
  Shell shell;
  shell.will_answer(identity("ledger"));

  CHECK(shell.run("write peer1 set foo bar") == "usage: commands of ledger are for programs only");
  CHECK(shell.fake.called.empty());
  CHECK(shell.run("help write").find("ledger") == std::string::npos);
}

TEST_CASE("a node that can't be reached is named") {
  Shell shell;
  shell.will_answer(refusing(Refusal::unreachable, "127.0.0.1:4009"));
  shell.will_answer(refusing(Refusal::unreachable));

  CHECK(shell.run("status peer9@127.0.0.1:4009") == "error unreachable 127.0.0.1:4009");
  CHECK(shell.run("write peer9@127.0.0.1:4009 set a b") == "error unreachable 127.0.0.1:4009");
}

TEST_CASE("an entry is shown decoded, if its kind is known") {
  Shell shell;
  const Bytes envelope =
      wire::encode_command(machine::bytes(resources::kv_store::set("foo", "bar")));
  const Entry entry{
      .id = {.term = {1}, .index = {2}}, .kind = EntryKind::command, .payload = envelope};
  shell.will_answer(answering(entry));
  shell.will_answer(identity("kv_store"));
  shell.will_answer(answering(entry));
  shell.will_answer(identity("queue"));
  shell.will_answer(refusing(Refusal::not_found));

  CHECK(shell.run("get_entry peer1 2") == "ok index=2 term=1 kind=command payload=set foo bar");
  CHECK(shell.run("get_entry peer2 2")
        == "ok index=2 term=1 kind=command payload=(" + std::to_string(envelope.size())
               + " bytes)");
  CHECK(shell.run("get_entry peer1 99") == "error not_found");
}

TEST_CASE("an entry that holds a configuration or nothing needs no kind") {
  Shell shell;
  const Configuration one = normalized({.voters = {{{1}, "peer1", "127.0.0.1:4001"}}});
  shell.will_answer(answering(Entry{.id = {.term = {1}, .index = {1}},
                                    .kind = EntryKind::configuration,
                                    .payload = Bytes::copy_of(encode(one))}));
  shell.will_answer(
      answering(Entry{.id = {.term = {2}, .index = {2}}, .kind = EntryKind::noop, .payload = {}}));

  CHECK(shell.run("get_entry peer1 1")
        == "ok index=1 term=1 kind=configuration payload=voters=peer1@127.0.0.1:4001");
  CHECK(shell.run("get_entry peer1 2") == "ok index=2 term=2 kind=noop");
}

TEST_CASE("the peers of a node are listed") {
  Shell shell;
  shell.will_answer(answering(std::vector<std::string>{"peer1", "peer2"}));

  CHECK(shell.run("peers") == "ok peer1 peer2");

  CHECK(shell.fake.asked[0].address == "127.0.0.1:4001");
  CHECK(shell.fake.asked[0].request.peer.empty());
}

TEST_CASE("an answer to another question is an error, not a crash") {
  Shell shell;
  shell.will_answer(answering(std::monostate()));
  shell.will_answer(answering(std::monostate()));

  CHECK(shell.run("status peer1") == "error invalid the node's answer is not one to this request");
  CHECK(shell.run("read peer1 get foo")
        == "error invalid the node's answer is not one to this request");
}

TEST_CASE("help lists every command, and the words of every kind") {
  Shell shell;
  const std::string all = shell.run("help");
  for (const CommandHelp& command : commands())
    CHECK(all.find(usage(command)) != std::string::npos);
  CHECK(all.find("set KEY VALUE") != std::string::npos);

  for (const std::string_view level : read_levels()) {
    CHECK(all.find(level) != std::string::npos);
    CHECK(shell.run("help read").find(level) != std::string::npos);
  }

  const std::string one = shell.run("help leader");
  CHECK(one.find("leader PEER") == 0);
  CHECK(one.find('\n') == std::string::npos);
}
