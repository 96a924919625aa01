#include "resources/kv_store/kv_store.hpp"
#include "shell/interpreter.hpp"
#include "test/shell/run_line.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::shell;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string a = "127.0.0.1:4001";
const std::string b = "127.0.0.1:4002";
const std::string c = "127.0.0.1:4003";

Configuration members(const std::vector<PeerName>& peers) {
  Configuration configuration;
  for (const PeerName& peer : peers)
    configuration.voters.push_back(
        {{std::hash<std::string>{}(peer.name + peer.address) | 1}, peer.name, peer.address});
  return normalized(std::move(configuration));
}

/// Nodes with peers that answer as theirs do, in a time that only pauses and timeouts use up.
struct World {
  struct Peer {
    Configuration configuration{};
    Role role = Role::follower;
    std::string leader{};
    bool running = true;
    Refusal refusal = Refusal::none;  ///< Of commands to the leader.
  };
  std::map<std::string, std::map<std::string, Peer>> nodes{};  ///< By addresses and names.
  Time now{};
  std::vector<std::string> calls{};        ///< Full names of those that were sent commands.
  std::size_t questions = 0;               ///< Of all other kinds.
  std::function<void()> on_pause = [] {};  ///< Changes the world.

  /// Three nodes with a peer each, peer1 of which leads.
  World() {
    const Configuration all = members({{"peer1", a}, {"peer2", b}, {"peer3", c}});
    int number = 1;
    for (const std::string& address : {a, b, c})
      nodes[address]["peer" + std::to_string(number++)] = {.configuration = all};
    elect("peer1", a);
  }

  void elect(const std::string& name, const std::string& address) {
    for (auto& [at, peers] : nodes)
      for (auto& [each, peer] : peers) {
        peer.role = each == name && at == address ? Role::leader : Role::follower;
        peer.leader = name + '@' + address;
      }
  }
  void depose() {
    for (auto& [at, peers] : nodes)
      for (auto& [each, peer] : peers) {
        peer.role = Role::follower;
        peer.leader.clear();
      }
  }

  Peer* find(const std::string& address, const std::string& name) {
    const auto node = nodes.find(address);
    if (node == nodes.end())
      return nullptr;
    const auto peer = node->second.find(name);
    return peer == node->second.end() ? nullptr : &peer->second;
  }

  wire::Response respond(const std::string& address, const wire::Request& request) {
    ++questions;
    wire::Response response;
    const auto refuse = [&](Refusal refusal, const std::string& detail) {
      response.refusal = refusal;
      response.detail = detail;
      return response;
    };
    if (!nodes.contains(address))
      return refuse(Refusal::unreachable, address);
    if (std::holds_alternative<wire::AskPeers>(request.body)) {
      std::vector<std::string> names;
      for (const auto& [name, _] : nodes[address])
        names.push_back(name);
      response.body = names;
      return response;
    }
    Peer* peer = find(address, request.peer);
    const bool asks_leader = std::holds_alternative<wire::AskLeader>(request.body);
    if (peer == nullptr || (!peer->running && !asks_leader))
      return refuse(Refusal::no_peer, request.peer);
    if (!peer->running)
      return refuse(Refusal::redirect, peer->leader);
    if (std::holds_alternative<wire::AskIdentity>(request.body))
      response.body = wire::Identity{.id = {1}, .kind = "kv_store", .running = true};
    else if (asks_leader)
      response.body = peer->leader;
    else if (std::holds_alternative<wire::AskStatus>(request.body))
      response.body = wire::PeerStatus{.name = request.peer + '@' + address,
                                       .kind = "kv_store",
                                       .role = peer->role,
                                       .leader = peer->leader,
                                       .configuration = peer->configuration,
                                       .configuration_index = {1}};
    else if (std::holds_alternative<wire::StopPeer>(request.body))
      peer->running = false;
    else if (peer->role != Role::leader && !peer->configuration.empty())
      return refuse(Refusal::redirect, peer->leader);
    else if (peer->refusal != Refusal::none)
      return refuse(peer->refusal, {});
    else if (const auto* set = std::get_if<wire::SetConfiguration>(&request.body))
      response.body = peer->configuration = as_configuration(*set, address);
    return response;
  }

  static Configuration as_configuration(const wire::SetConfiguration& set,
                                        const std::string& address) {
    std::vector<PeerName> peers;
    for (const std::string& text : set.members) {
      PeerName peer = parse_peer(text).value();
      peer.address = peer.address.empty() ? address : peer.address;
      peers.push_back(peer);
    }
    return members(peers);
  }

  wire::CallReply reply(const std::string& address, const std::string& name, wire::CallKind kind) {
    wire::CallReply reply;
    calls.push_back(name + '@' + address);
    const Peer* peer = find(address, name);
    if (!nodes.contains(address)) {
      reply.refusal = Refusal::unreachable;
      reply.detail = address;
    } else if (peer == nullptr) {
      reply.refusal = Refusal::no_peer;
      reply.detail = name;
    } else if (peer->refusal != Refusal::none) {
      reply.refusal = peer->refusal;
    } else if (peer->role != Role::leader
               && (kind == wire::CallKind::command || peer->leader.empty())) {
      reply.refusal = Refusal::redirect;
      reply.detail = peer->leader;
    }
    return reply;
  }

  Nodes as_nodes() {
    return {.request = [this](std::string address, wire::Request request,
                              Duration) { return respond(address, request); },
            .call = [this](std::string address, std::string peer, wire::CallKind kind, Bytes,
                           Duration, ReadLevel) { return reply(address, peer, kind); },
            .pause =
                [this](Duration duration) {
                  now += duration;
                  if (duration > Duration::zero())
                    on_pause();
                  return true;
                },
            .now = [this] { return now; }};
  }
};

struct Shell {
  World world{};
  Interpreter interpreter;

  explicit Shell(std::vector<std::string> others = {b, c}, Duration wait = {})
      : interpreter({.own_node = a,
                     .other_nodes = std::move(others),
                     .kinds = machine::kinds({resources::kv_store_kind()}),
                     .timeout = seconds(3),
                     .wait = wait},
                    world.as_nodes()) {}

  std::string run(std::string_view line) { return run_line(interpreter, line); }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a command for a follower goes to the leader, and so do those that follow, at once") {
  Shell shell;
  CHECK(shell.run("write peer2@127.0.0.1:4002 set k v") == "ok k v");
  const std::size_t questions = shell.world.questions;

  for (int i = 0; i < 100; ++i)
    CHECK(shell.run("write peer2@127.0.0.1:4002 set k v") == "ok k v");

  CHECK(shell.world.calls == Names(101, "peer1@" + a));
  CHECK(shell.world.questions == questions);
}

TEST_CASE("a command goes on to a new leader when the old one can't be reached") {
  Shell shell;
  CHECK(shell.run("write peer1 set k v") == "ok k v");
  shell.world.nodes.erase(a);
  shell.world.on_pause = [&, pauses = 0]() mutable {
    if (++pauses == 3)
      shell.world.elect("peer3", c);
  };

  CHECK(shell.run("write peer1 set k w") == "ok k w");

  CHECK(shell.world.calls == Names{"peer1@" + a, "peer1@" + a, "peer3@" + c});
  CHECK(shell.world.now < seconds(1));
  CHECK(shell.run("leader peer1") == "peer3@" + c);
}

TEST_CASE("a command that may have happened is not repeated, and the next one finds the leader") {
  for (const Refusal refusal : {Refusal::unknown_outcome, Refusal::timeout, Refusal::disk_failed}) {
    Shell shell;
    CHECK(shell.run("write peer1 set k v") == "ok k v");
    shell.world.find(a, "peer1")->refusal = refusal;

    CHECK(shell.run("write peer1 set k w").starts_with("error " + std::string(name(refusal))));
    CHECK(shell.world.calls.size() == 2);

    shell.world.elect("peer2", b);
    CHECK(shell.run("write peer1 set k x") == "ok k x");
    CHECK(shell.world.calls.back() == "peer2@" + b);
  }
}

TEST_CASE("a query that was not answered is asked again elsewhere: it changes nothing") {
  Shell shell;
  CHECK(shell.run("read peer1 get k") == "ok");
  shell.world.find(a, "peer1")->refusal = Refusal::timeout;
  shell.world.on_pause = [&] { shell.world.elect("peer2", b); };

  CHECK(shell.run("read peer1 get k") == "ok");
  CHECK(shell.world.calls == Names{"peer1@" + a, "peer1@" + a, "peer2@" + b});
}

TEST_CASE("a query is answered by the peer that it names, as long as that can") {
  Shell shell;
  CHECK(shell.run("read peer2@127.0.0.1:4002 get k") == "ok");
  CHECK(shell.world.calls == Names{"peer2@" + b});

  shell.world.nodes.erase(b);
  CHECK(shell.run("read peer2@127.0.0.1:4002 get k") == "ok");
  CHECK(shell.world.calls.back() == "peer1@" + a);
}

TEST_CASE("any live node leads to a peer whose own node is gone") {
  Shell shell;
  shell.world.elect("peer2", b);
  shell.world.nodes.erase(a);

  CHECK(shell.run("leader peer1") == "peer2@" + b);
  CHECK(shell.run("write peer1 set k v") == "ok k v");
  CHECK(shell.run("read peer1@127.0.0.1:4001 get k") == "ok");
  CHECK(shell.run("members peer1").starts_with("ok voters=peer1@" + a));
  CHECK(shell.run("set_configuration peer1 peer2@127.0.0.1:4002 peer1")
        == "ok voters=peer1@" + a + ",peer2@" + b);
  CHECK(shell.run("status peer1") == "error unreachable " + a);
}

TEST_CASE("a name without an address is found on any node") {
  Shell shell;
  CHECK(shell.run("leader peer3") == "peer1@" + a);
  CHECK(shell.run("status peer3").starts_with("ok name=peer3@" + c));
  CHECK(shell.run("write peer2 set k v") == "ok k v");
  CHECK(shell.run("read --sequential peer2 get k") == "ok");
  CHECK(shell.world.calls.back() == "peer2@" + b);
  CHECK(shell.run("write peer9 set k v") == "error no_peer peer9");
  CHECK(shell.world.now == Time{});
}

TEST_CASE("a peer is started and stopped on the first node, or on the one that is named") {
  Shell shell;
  CHECK(shell.run("stop_peer peer3") == "error no_peer peer3@" + a);
  CHECK(shell.world.find(c, "peer3")->running);
  CHECK(shell.run("stop_peer peer3@127.0.0.1:4003") == "ok");
  CHECK_FALSE(shell.world.find(c, "peer3")->running);
}

TEST_CASE("a name that several peers have is not guessed at") {
  Shell shell;
  shell.world.nodes[b]["x"] = {.configuration = members({{"x", b}})};
  shell.world.nodes[c]["x"] = {.configuration = members({{"x", c}})};

  CHECK(shell.run("write x set k v") == "error ambiguous x@" + b + " x@" + c);
  CHECK(shell.run("status x") == "error ambiguous x@" + b + " x@" + c);
  CHECK(shell.world.calls.empty());

  // The first node's own is the one that is meant.
  shell.world.nodes[a]["x"] = {
      .configuration = members({{"x", a}}), .role = Role::leader, .leader = "x@" + a};
  CHECK(shell.run("write x set k v") == "ok k v");
  CHECK(shell.world.calls == Names{"x@" + a});
}

TEST_CASE("the node of a stopped peer leads to the leader") {
  Shell shell;
  shell.world.elect("peer2", b);
  shell.world.find(a, "peer1")->running = false;

  CHECK(shell.run("leader peer1") == "peer2@" + b);
  CHECK(shell.run("write peer1 set k v") == "ok k v");
  CHECK(shell.run("status peer1") == "error no_peer peer1@" + a);
}

TEST_CASE("a command waits for a leader until its timeout") {
  Shell shell;
  shell.world.depose();

  CHECK(shell.run("write peer1 set k v") == "error election_in_progress");
  CHECK(shell.world.now > milliseconds(2800));
  CHECK(shell.world.now <= seconds(3));
  CHECK(shell.world.calls.empty());

  shell.world.nodes.clear();
  CHECK(shell.run("write peer1 set k v") == "error unreachable " + a + ' ' + b + ' ' + c);
}

TEST_CASE("a peer without a cluster makes one, and says at once that it has none") {
  Shell shell;
  shell.world.find(a, "peer1")->configuration = {};
  shell.world.depose();
  shell.world.nodes.erase(b);
  shell.world.nodes.erase(c);

  CHECK(shell.run("leader peer1") == "none");
  CHECK(shell.run("write peer1 set k v") == "error redirect none");
  CHECK(shell.world.now == Time{});
  shell.world.find(a, "peer1")->role = Role::leader;
  CHECK(shell.run("set_configuration peer1 peer1") == "ok voters=peer1@" + a);
}

TEST_CASE("two peers that name each other do not keep a command running between them") {
  Shell shell;
  shell.world.depose();
  shell.world.find(a, "peer1")->leader = "peer2@" + b;
  shell.world.find(b, "peer2")->leader = "peer1@" + a;

  CHECK(shell.run("write peer1 set k v") == "error election_in_progress");
  CHECK(shell.world.questions < 500);
}

TEST_CASE("what a leader says of another peer is the answer, not a reason to look elsewhere") {
  Shell shell;
  shell.world.find(a, "peer1")->refusal = Refusal::must_be_in_consensus_group;
  CHECK(shell.run("set_configuration peer1 peer2@127.0.0.1:4002")
        == "error must_be_in_consensus_group");
  shell.world.find(a, "peer1")->refusal = Refusal::no_space;
  CHECK(shell.run("write peer1 set k v") == "error no_space");
  CHECK(shell.world.now == Time{});
}

TEST_CASE("with a time to wait, commands wait for a node and for a leader") {
  Shell shell({b, c}, seconds(10));
  World before = shell.world;
  shell.world.nodes.clear();
  shell.world.on_pause = [&] {
    if (shell.world.now > seconds(5))
      shell.world.nodes = before.nodes;
  };

  CHECK(shell.run("status peer1").starts_with("ok name=peer1@" + a));
  CHECK(shell.world.now > seconds(5));

  shell.world.depose();
  shell.world.on_pause = [&, since = shell.world.now] {
    if (shell.world.now > since + seconds(8))
      shell.world.elect("peer2", b);
  };
  CHECK(shell.run("leader peer1") == "peer2@" + b);
  CHECK(shell.world.now > seconds(13));

  shell.world.nodes.clear();
  shell.world.on_pause = [] {};
  const Time since = shell.world.now;
  CHECK(shell.run("start_peer kv_store peer1") == "error unreachable " + a);
  CHECK(shell.world.now > since + seconds(9));
  CHECK(shell.world.now <= since + seconds(10));
}

TEST_CASE("without one, a command about a node that can't be reached fails at once") {
  Shell shell;
  shell.world.nodes.clear();

  CHECK(shell.run("start_peer kv_store peer1") == "error unreachable " + a);
  CHECK(shell.run("peers") == "error unreachable " + a);
  CHECK(shell.world.now == Time{});
}
