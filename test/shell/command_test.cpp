#include "shell/command.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::shell;

namespace {

template <class Expected>
Expected parsed(const machine::Words& words) {
  const std::variant<Command, Failure> result = parse(words);
  REQUIRE(std::holds_alternative<Command>(result));
  const Command& command = std::get<Command>(result);
  REQUIRE(std::holds_alternative<Expected>(command));
  return std::get<Expected>(command);
}

template <class Body>
Body requested(const machine::Words& words, const PeerName& peer) {
  const auto operate = parsed<Operate>(words);
  CHECK(operate.peer == peer);
  CHECK(operate.request.peer == peer.name);
  REQUIRE(std::holds_alternative<Body>(operate.request.body));
  return std::get<Body>(operate.request.body);
}

std::string failed(const machine::Words& words) {
  const std::variant<Command, Failure> result = parse(words);
  REQUIRE(std::holds_alternative<Failure>(result));
  return as_text(std::get<Failure>(result));
}

const PeerName bare{.name = "peer1", .address = ""};
const PeerName full{.name = "peer1", .address = "127.0.0.1:4001"};

}  // namespace

TEST_CASE("a peer is written as a name, or as a name and an address") {
  CHECK(parse_peer("peer1") == bare);
  CHECK(parse_peer("peer1@127.0.0.1:4001") == full);
  CHECK(parse_peer("peer1@[::1]:4001") == PeerName{"peer1", "[::1]:4001"});
  for (const char* text : {"", "@", "@127.0.0.1:4001", "peer1@", "peer1@host", "peer1@host:",
                           "peer1@host:0", "peer1@host:65536", "peer1@:4001", "two words", "a,b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_peer(text).has_value());
  }
}

TEST_CASE("start_peer takes a kind, a name and options") {
  const auto plain = requested<wire::StartPeer>({"start_peer", "kv_store", "peer1"}, bare);
  CHECK(plain.kind == "kv_store");
  CHECK(plain.options.empty());

  const auto with_options = requested<wire::StartPeer>(
      {"start_peer", "kv_store", "peer1@127.0.0.1:4001", "a=1", "b=c=d", "e="}, full);
  using Options = std::vector<std::pair<std::string, std::string>>;
  CHECK(with_options.options == Options{{"a", "1"}, {"b", "c=d"}, {"e", ""}});
}

TEST_CASE("what is asked of a peer alone takes the peer") {
  requested<wire::AskLeader>({"leader", "peer1"}, bare);
  requested<wire::AskStatus>({"status", "peer1@127.0.0.1:4001"}, full);
  requested<wire::TakeSnapshot>({"snapshot", "peer1@127.0.0.1:4001"}, full);
  requested<wire::StopPeer>({"stop_peer", "peer1"}, bare);
  requested<wire::StopPeer>({"stop", "peer1"}, bare);
  requested<wire::DeletePeer>({"delete_peer", "peer1"}, bare);
  CHECK(requested<wire::AskEntry>({"get_entry", "peer1", "17"}, bare).index == Index{17});
}

TEST_CASE("peers asks a node, the shell's own if none is named") {
  requested<wire::AskPeers>({"peers"}, {.name = "", .address = ""});
  requested<wire::AskPeers>({"peers", "127.0.0.1:4001"}, {.name = "", .address = "127.0.0.1:4001"});
}

TEST_CASE("set_configuration takes the peer that is asked and all members") {
  const auto change =
      parsed<ChangeConfiguration>({"set_configuration", "peer1", "peer1", "peer2@127.0.0.1:4002"});

  CHECK(change.peer == bare);
  CHECK(change.members == std::vector<PeerName>{bare, {"peer2", "127.0.0.1:4002"}});
}

TEST_CASE("each word for a change of members says what becomes of them") {
  const auto change_of = [](machine::Words words) {
    return parsed<ChangeConfiguration>(std::move(words)).change;
  };
  CHECK(change_of({"set_configuration", "peer1", "peer1"}) == wire::Change::replace);
  CHECK(change_of({"add_member", "peer1", "peer2", "peer3"}) == wire::Change::add_voter);
  CHECK(change_of({"add_member", "peer1", "peer2", "--learner"}) == wire::Change::add_learner);
  CHECK(change_of({"remove_member", "peer1", "peer2"}) == wire::Change::remove);
  CHECK(change_of({"promote", "peer1", "peer2"}) == wire::Change::promote);
  CHECK(change_of({"demote", "peer1", "peer2"}) == wire::Change::demote);
  CHECK(change_of({"add_member", "peer1", "peer2", "--standby"}) == wire::Change::add_standby);
  CHECK(parsed<ChangeConfiguration>({"add_member", "peer1", "peer2", "--learner"}).members.size()
        == 1);
  CHECK(failed({"add_member", "peer1", "--learner"})
        == "usage: add_member PEER MEMBER... [--learner|--standby]");
  CHECK(failed({"add_member"}) == "usage: add_member PEER MEMBER... [--learner|--standby]");
}

TEST_CASE("keep_voters takes a number and, if one wants, a time") {
  const auto keep_of = [](machine::Words words) {
    const auto change = parsed<ChangeConfiguration>(std::move(words));
    CHECK(change.change == wire::Change::keep_voters);
    CHECK(change.members.empty());
    return change.keep;
  };
  CHECK(keep_of({"keep_voters", "peer1", "3"}) == VoterPolicy{3, std::chrono::seconds(30)});
  CHECK(keep_of({"keep_voters", "peer1", "5", "--after", "2"})
        == VoterPolicy{5, std::chrono::seconds(2)});
  CHECK(keep_of({"keep_voters", "peer1", "0"}) == VoterPolicy{});
  for (const machine::Words& words : {machine::Words{"keep_voters", "peer1"},
                                      {"keep_voters", "peer1", "three"},
                                      {"keep_voters", "peer1", "3", "--after"},
                                      {"keep_voters", "peer1", "3", "--after", "0"},
                                      {"keep_voters", "peer1", "3", "2"}})
    CHECK(failed(words) == "usage: keep_voters PEER COUNT [--after SECONDS]");
}

TEST_CASE("transfer names the new leader, or leaves it to the old one") {
  CHECK_FALSE(parsed<TransferTo>({"transfer", "peer1"}).to.has_value());
  const auto transfer = parsed<TransferTo>({"transfer", "peer1", "peer2@127.0.0.1:4002"});
  CHECK(transfer.peer == bare);
  CHECK(transfer.to == PeerName{"peer2", "127.0.0.1:4002"});
  CHECK(parsed<AskMembers>({"members", "peer1"}).peer == bare);
}

TEST_CASE("write and read take the words of a command or query as they are") {
  const auto write = parsed<CallPeer>({"write", "peer1", "set", "foo", "two words"});
  CHECK(write.peer == bare);
  CHECK(write.kind == wire::CallKind::command);
  CHECK(write.words == machine::Words{"set", "foo", "two words"});

  const auto read = parsed<CallPeer>({"read", "peer1", "get", "foo"});
  CHECK(read.kind == wire::CallKind::query);
  CHECK(read.words == machine::Words{"get", "foo"});
}

TEST_CASE("a read has one level, which stands before the words of the query") {
  const machine::Words get_foo{"get", "foo"};
  for (const machine::Words& words :
       std::vector<machine::Words>{{"read", "--sequential", "peer1", "get", "foo"},
                                   {"read", "peer1", "--sequential", "get", "foo"},
                                   {"read", "--sequential", "--", "peer1", "get", "foo"},
                                   {"read", "peer1", "--sequential", "--", "get", "foo"}}) {
    const auto read = parsed<CallPeer>(words);
    CHECK(read.peer == bare);
    CHECK(read.level == ReadLevel::sequential);
    CHECK(read.words == get_foo);
  }
  CHECK(parsed<CallPeer>({"read", "peer1", "get", "foo"}).level == ReadLevel::linearizable);
  CHECK(parsed<CallPeer>({"read", "peer1", "--linearizable", "get", "foo"}).level
        == ReadLevel::linearizable);
  CHECK(parsed<CallPeer>({"read", "peer1", "--lease", "get", "foo"}).level == ReadLevel::lease);
}

TEST_CASE("words that look like options are words of a command and of a query alike") {
  for (const std::string word : {"--x", "--lease", "--", "--after", "-1"}) {
    const auto write = parsed<CallPeer>({"write", "peer1", "set", word, "v"});
    CHECK(write.words == machine::Words{"set", word, "v"});
    const auto read = parsed<CallPeer>({"read", "peer1", "get", word});
    CHECK(read.words == machine::Words{"get", word});
    CHECK(read.level == ReadLevel::linearizable);
    CHECK(parsed<CallPeer>({"read", "peer1", "--", word}).words == machine::Words{word});
    CHECK(parsed<CallPeer>({"write", "--", "peer1", word}).words == machine::Words{word});
  }
}

TEST_CASE("an option that a command does not have is not a word of it") {
  const std::string usage = "usage: read PEER [--lease|--sequential] QUERY...";
  CHECK(failed({"read", "--sequental", "peer1", "get", "foo"}) == usage);
  CHECK(failed({"read", "peer1", "--x"}) == usage);
  CHECK(failed({"read", "peer1", "--lease", "--sequential", "get", "foo"}) == usage);
  CHECK(failed({"read", "peer1", "--sequential"}) == usage);
  CHECK(failed({"write", "--lease", "peer1", "set", "a", "b"}) == "usage: write PEER COMMAND...");
  CHECK(failed({"status", "peer1", "--json"}) == "usage: status PEER");
  CHECK(failed({"start_peer", "kv_store", "peer1", "--a=1"})
        == "usage: start_peer KIND NAME [OPTION=VALUE...]");
  CHECK(failed({"keep_voters", "peer1", "3", "--after"})
        == "usage: keep_voters PEER COUNT [--after SECONDS]");
  requested<wire::AskStatus>({"status", "--", "peer1"}, bare);
}

TEST_CASE("where no words of a resource follow, options stand anywhere") {
  for (const machine::Words& words : {machine::Words{"add_member", "peer1", "peer2", "--learner"},
                                      {"add_member", "--learner", "peer1", "peer2"},
                                      {"add_member", "peer1", "--learner", "--", "peer2"}}) {
    const auto change = parsed<ChangeConfiguration>(words);
    CHECK(change.change == wire::Change::add_learner);
    CHECK(change.members.size() == 1);
  }
  CHECK(parsed<ChangeConfiguration>({"keep_voters", "--after", "2", "peer1", "5"}).keep
        == VoterPolicy{5, std::chrono::seconds(2)});
  CHECK(failed({"add_member", "peer1", "peer2", "--learner", "--standby"})
        == "usage: add_member PEER MEMBER... [--learner|--standby]");
}

TEST_CASE("help and exit need nothing") {
  CHECK(parsed<Help>({"help"}).command.empty());
  CHECK(parsed<Help>({"help", "stop"}).command == "stop_peer");
  parsed<Exit>({"exit"});
  parsed<Exit>({"quit"});
}

TEST_CASE("a command with too few or too many words is answered with its usage") {
  CHECK(failed({"start_peer", "kv_store"}) == "usage: start_peer KIND NAME [OPTION=VALUE...]");
  CHECK(failed({"start_peer", "kv_store", "peer1", "option"})
        == "usage: start_peer KIND NAME [OPTION=VALUE...]");
  CHECK(failed({"set_configuration", "peer1"}) == "usage: set_configuration PEER MEMBER...");
  CHECK(failed({"leader"}) == "usage: leader PEER");
  CHECK(failed({"leader", "peer1", "peer2"}) == "usage: leader PEER");
  CHECK(failed({"write", "peer1"}) == "usage: write PEER COMMAND...");
  CHECK(failed({"read"}) == "usage: read PEER [--lease|--sequential] QUERY...");
  CHECK(failed({"status"}) == "usage: status PEER");
  CHECK(failed({"get_entry", "peer1", "first"}) == "usage: get_entry PEER INDEX");
  CHECK(failed({"get_entry", "peer1", "-1"}) == "usage: get_entry PEER INDEX");
  CHECK(failed({"stop"}) == "usage: stop_peer PEER");
  CHECK(failed({"exit", "now"}) == "usage: exit");
}

TEST_CASE("what is no peer, address or command is said to be none") {
  CHECK(failed({"leader", "peer1@host"})
        == "error invalid peer1@host is not NAME or NAME@HOST:PORT");
  CHECK(failed({"peers", "host"}) == "error invalid host is not HOST:PORT");
  CHECK(failed({"frobnicate"}) == "error unknown_command frobnicate (try help)");
  CHECK(failed({"wirte", "p", "x"})
        == "error unknown_command wirte, did you mean write? (try help)");
  CHECK(failed({"help", "frobnicate"}) == "error unknown_command frobnicate (try help)");
}
