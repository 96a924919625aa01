#include "actors/node/node.hpp"

#include "actors/transport/socket.hpp"
#include "test/actors/node_cluster.hpp"
#include "test/actors/raw_client.hpp"

#include <doctest/doctest.h>

#include <poll.h>

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using test::Cluster;
using test::command;
using test::Directory;
using test::eventually;
using test::start_node;

/// Longer than any answer takes.
constexpr auto patience = test::eventually_patience;

TEST_CASE("a node starts, names and stops peers") {
  Cluster cluster(1);

  const auto started = cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}});
  const auto again = cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}});
  const auto unknown_kind = cluster.ask(0, wire::StartPeer{.kind = "abacus", .options = {}}, "x");
  const auto bad_name = cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}}, "x y");
  const auto bad_option =
      cluster.ask(0, wire::StartPeer{.kind = "register", .options = {{"colour", "red"}}}, "x");
  const auto bad_timing = cluster.ask(
      0, wire::StartPeer{.kind = "register", .options = {{"election_timeout_min_ms", "1"}}}, "x");
  const auto bad_number = cluster.ask(
      0, wire::StartPeer{.kind = "register", .options = {{"snapshot_entries", "many"}}}, "x");
  const auto peers = cluster.ask(0, wire::AskPeers{}, "");
  const auto stopped = cluster.ask(0, wire::StopPeer{});
  const auto stopped_again = cluster.ask(0, wire::StopPeer{});

  REQUIRE(started.refusal == Refusal::none);
  CHECK(std::get<std::string>(started.body) == cluster.full_name(0));
  CHECK(again.refusal == Refusal::already_started);
  CHECK(again.detail == cluster.full_name(0));
  CHECK(unknown_kind.refusal == Refusal::unknown_kind);
  CHECK(unknown_kind.detail == "abacus");
  CHECK(bad_name.refusal == Refusal::invalid);
  CHECK(bad_option.refusal == Refusal::invalid);
  CHECK(bad_option.detail.starts_with("no option colour; there are cleaning, election_timeout_"));
  CHECK(bad_option.detail.find("snapshot_entries") != std::string::npos);
  CHECK(bad_timing.refusal == Refusal::invalid);
  CHECK(bad_number.refusal == Refusal::invalid);
  CHECK(bad_number.detail == "snapshot_entries is a whole number, not 'many'");
  CHECK(std::get<std::vector<std::string>>(peers.body) == std::vector<std::string>{"a"});
  CHECK(stopped.refusal == Refusal::none);
  CHECK(stopped_again.refusal == Refusal::no_peer);
}

TEST_CASE("a stopped peer can be deleted, and is gone for good") {
  Cluster cluster(1);
  REQUIRE(cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}}).refusal
          == Refusal::none);
  const auto first = cluster.ask(0, wire::AskIdentity{});

  const auto while_running = cluster.ask(0, wire::DeletePeer{});
  REQUIRE(cluster.ask(0, wire::StopPeer{}).refusal == Refusal::none);
  const auto deleted = cluster.ask(0, wire::DeletePeer{});
  const auto again = cluster.ask(0, wire::DeletePeer{});
  const auto peers = cluster.ask(0, wire::AskPeers{}, "");

  CHECK(while_running.refusal == Refusal::invalid);
  CHECK(while_running.detail == cluster.full_name(0) + " runs; stop it before you delete it");
  CHECK(deleted.refusal == Refusal::none);
  CHECK(again.refusal == Refusal::no_peer);
  CHECK(std::get<std::vector<std::string>>(peers.body).empty());

  // One of the same name is another.
  REQUIRE(cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}}).refusal
          == Refusal::none);
  const auto second = cluster.ask(0, wire::AskIdentity{});
  CHECK(std::get<wire::Identity>(second.body).id != std::get<wire::Identity>(first.body).id);
}

TEST_CASE("a node has no more peers than it may, running or stopped, until one is deleted") {
  Directory directory;
  auto started = start_node("a", directory.path, "127.0.0.1:0",
                            {{"register", test::register_kind()}}, {}, false, 2);
  REQUIRE(std::holds_alternative<std::unique_ptr<Node>>(started));
  const auto node = std::get<std::unique_ptr<Node>>(std::move(started));
  Client client;
  const auto ask = [&](const std::string& peer, auto body) {
    wire::Request request{.id = 0, .peer = peer};
    request.body = std::move(body);
    return client.request(node->address(), std::move(request), patience).get();
  };
  const wire::StartPeer start{.kind = "register", .options = {}};

  CHECK(ask("p1", start).refusal == Refusal::none);
  CHECK(ask("p2", start).refusal == Refusal::none);
  const auto refused = ask("p3", start);
  CHECK(refused.refusal == Refusal::too_many_peers);
  CHECK(refused.detail == "2");
  CHECK(ask("p1", wire::StopPeer{}).refusal == Refusal::none);
  CHECK(ask("p3", start).refusal == Refusal::too_many_peers);
  CHECK(ask("p1", wire::DeletePeer{}).refusal == Refusal::none);
  CHECK(ask("p3", start).refusal == Refusal::none);
}

TEST_CASE("a peer that a node never had is no peer, for whatever is asked of it") {
  Cluster cluster(1);

  CHECK(cluster.ask(0, wire::AskStatus{}, "x").refusal == Refusal::no_peer);
  CHECK(cluster.ask(0, wire::AskLeader{}, "x").refusal == Refusal::no_peer);
  CHECK(cluster.ask(0, wire::AskIdentity{}, "x").refusal == Refusal::no_peer);
  CHECK(cluster.ask(0, wire::SetConfiguration{{"x"}}, "x").refusal == Refusal::no_peer);
  CHECK(cluster.client
            .call(cluster.addresses[0], "x", wire::CallKind::command, command("=a"), patience)
            .get()
            .refusal
        == Refusal::no_peer);
}

TEST_CASE("three nodes agree, and go on without one of them") {
  Cluster cluster(3);
  cluster.found();
  CHECK(cluster.write("=1").refusal == Refusal::none);
  CHECK(cluster.read() == "1");

  const auto old_leader = cluster.leader();
  REQUIRE(old_leader);
  CHECK(cluster.ask(*old_leader, wire::StopPeer{}).refusal == Refusal::none);
  std::optional<std::size_t> leader;
  CHECK(eventually([&] { return (leader = cluster.leader()).has_value(); }));

  REQUIRE(leader);
  CHECK(*leader != *old_leader);
  CHECK(cluster.write("=2").refusal == Refusal::none);
  CHECK(cluster.read() == "2");
  CHECK(cluster.ask(*old_leader, wire::AskStatus{}).refusal == Refusal::no_peer);

  CHECK(cluster.ask(*old_leader, wire::StartPeer{.kind = "register", .options = {}}).refusal
        == Refusal::none);
  CHECK(eventually([&] {
    const auto response = cluster.ask(*old_leader, wire::AskStatus{});
    const auto* status = std::get_if<wire::PeerStatus>(&response.body);
    return status != nullptr && status->applied >= Index{4};
  }));
}

TEST_CASE("of many peers on one node, those that were started last find each other") {
  Cluster cluster(1);
  std::vector<std::string> names;
  std::vector<std::string> members;
  for (int i = 0; i < 20; ++i) {
    names.push_back("p" + std::to_string(i));
    members.push_back(names.back() + "@" + cluster.addresses[0]);
    const auto started =
        cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}}, names.back());
    REQUIRE(started.refusal == Refusal::none);
  }
  const std::vector<std::string> last(members.end() - 3, members.end());

  CHECK(cluster.ask(0, wire::SetConfiguration{last}, names.back()).refusal == Refusal::none);

  for (const std::string& name : {names[17], names[18], names[19]})
    CHECK(eventually([&] {
      const auto response = cluster.ask(0, wire::AskStatus{}, name);
      const auto* status = std::get_if<wire::PeerStatus>(&response.body);
      return status != nullptr && !status->leader.empty();
    }));
}

TEST_CASE("followers and stopped peers send clients to the leader") {
  Cluster cluster(3);
  cluster.found();
  std::optional<std::size_t> leader;
  CHECK(eventually([&] { return (leader = cluster.leader()).has_value(); }));
  REQUIRE(leader);
  const std::size_t follower = (*leader + 1) % 3;
  const auto call = [&] {
    return cluster.client
        .call(cluster.addresses[follower], cluster.names[follower], wire::CallKind::command,
              command("=a"), patience)
        .get();
  };
  CHECK(eventually([&] { return call().detail == cluster.full_name(*leader); }));

  const auto running = call();
  CHECK(cluster.ask(follower, wire::StopPeer{}).refusal == Refusal::none);
  const auto stopped = call();
  const auto asked = cluster.ask(follower, wire::AskLeader{});
  cluster.nodes[follower].reset();
  cluster.start(follower);
  const auto restarted = call();

  CHECK(running.refusal == Refusal::redirect);
  CHECK(stopped.refusal == Refusal::redirect);
  CHECK(stopped.detail == cluster.full_name(*leader));
  CHECK(asked.refusal == Refusal::redirect);
  CHECK(asked.detail == cluster.full_name(*leader));
  CHECK(restarted.refusal == Refusal::redirect);
  CHECK(restarted.detail == cluster.full_name(*leader));
}

TEST_CASE("a stopped peer that knows of no leader is no peer, for whatever is asked of it") {
  Cluster cluster(1);
  cluster.found();
  REQUIRE(cluster.ask(0, wire::StopPeer{}).refusal == Refusal::none);
  const auto call = [&](wire::CallKind kind) {
    return cluster.client
        .call(cluster.addresses[0], "a", kind,
              kind == wire::CallKind::command ? command("=a") : Bytes::copy_of("?"), patience)
        .get();
  };
  const auto answers = [](const auto& answer) {
    CHECK(answer.refusal == Refusal::no_peer);
    CHECK(answer.detail == "a");
  };

  answers(call(wire::CallKind::command));
  answers(call(wire::CallKind::query));
  answers(cluster.ask(0, wire::AskLeader{}));
  answers(cluster.ask(0, wire::AskStatus{}));
  answers(cluster.ask(0, wire::AskEntry{{1}}));
  answers(cluster.ask(0, wire::SetConfiguration{{"a"}}));
  answers(cluster.ask(0, wire::TransferLeadership{}));
  answers(cluster.ask(0, wire::TakeSnapshot{}));
  answers(cluster.ask(0, wire::StopPeer{}));
}

TEST_CASE("a stopped peer sends to the leader all that the leader can do in its place") {
  Cluster cluster(3);
  cluster.found();
  std::optional<std::size_t> leader;
  CHECK(eventually([&] { return (leader = cluster.leader()).has_value(); }));
  REQUIRE(leader);
  const std::size_t follower = (*leader + 1) % 3;
  REQUIRE(cluster.ask(follower, wire::StopPeer{}).refusal == Refusal::none);
  const auto redirects = [&](decltype(wire::Request::body) body) {
    const auto answer = cluster.ask(follower, std::move(body));
    CHECK(answer.refusal == Refusal::redirect);
    CHECK(answer.detail == cluster.full_name(*leader));
  };

  redirects(wire::AskLeader{});
  redirects(wire::SetConfiguration{cluster.members()});
  redirects(wire::TransferLeadership{});
  CHECK(cluster.ask(follower, wire::AskStatus{}).refusal == Refusal::no_peer);
  CHECK(cluster.ask(follower, wire::TakeSnapshot{}).refusal == Refusal::no_peer);
}

TEST_CASE("a cluster whose nodes all stop has what it had when they come back") {
  Cluster cluster(3);
  cluster.found();
  CHECK(cluster.write("=kept").refusal == Refusal::none);

  for (auto& node : cluster.nodes)
    node.reset();
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i)
    cluster.start(i);

  CHECK(eventually([&] { return cluster.leader().has_value(); }));
  CHECK(cluster.read() == "kept");
}

TEST_CASE("a node that loses its leader's node altogether elects another") {
  Cluster cluster(3);
  cluster.found();
  CHECK(cluster.write("=1").refusal == Refusal::none);
  const auto old_leader = cluster.leader();
  REQUIRE(old_leader);

  cluster.nodes[*old_leader].reset();

  CHECK(eventually([&] { return cluster.leader().has_value(); }));
  CHECK(cluster.write("=2").refusal == Refusal::none);
  CHECK(cluster.read() == "2");
}

TEST_CASE("set_configuration names the address that nobody answers at") {
  Cluster cluster(1);
  REQUIRE(cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}}).refusal
          == Refusal::none);

  const auto unreachable = cluster.ask(0, wire::SetConfiguration{{"a", "b@127.0.0.1:1"}});
  const auto no_peer = cluster.ask(0, wire::SetConfiguration{{"a", "b@" + cluster.addresses[0]}});

  CHECK(unreachable.refusal == Refusal::unreachable);
  CHECK(unreachable.detail == "127.0.0.1:1");
  CHECK(no_peer.refusal == Refusal::no_peer);
  CHECK(no_peer.detail == "b@" + cluster.addresses[0]);
}

TEST_CASE("a peer that is not there is named, whatever it was asked") {
  Cluster cluster(1);
  for (decltype(wire::Request::body) body : {decltype(wire::Request::body)(wire::AskStatus{}),
                                             decltype(wire::Request::body)(wire::StopPeer{}),
                                             decltype(wire::Request::body)(wire::AskIdentity{})}) {
    const auto response = cluster.ask(0, std::move(body), "nobody");
    CHECK(response.refusal == Refusal::no_peer);
    CHECK(response.detail == "nobody");
  }
  const auto call = cluster.client
                        .call(cluster.addresses[0], "nobody", wire::CallKind::query,
                              Bytes::copy_of("?"), patience)
                        .get();
  CHECK(call.refusal == Refusal::no_peer);
  CHECK(call.detail == "nobody");
}

TEST_CASE("a command that no client should send is answered with what is wrong with it") {
  Cluster cluster(1);
  cluster.found();
  const auto detail = [&](wire::CallKind kind, const Bytes& payload) {
    const auto reply =
        cluster.client.call(cluster.addresses[0], cluster.names[0], kind, payload, patience).get();
    CHECK(reply.refusal == Refusal::invalid);
    return reply.detail;
  };

  CHECK(detail(wire::CallKind::command, Bytes::copy_of("=bare"))
        == "the command is not an envelope, which wire::encode_command makes");
  CHECK(detail(wire::CallKind::command, command("nonsense")) == "not a command of a register");
  CHECK(detail(wire::CallKind::query, {}) == "not a query of a register");
}

TEST_CASE("peers of one node can be a cluster of their own") {
  Cluster cluster(1);
  for (const auto* peer : {"a", "b", "c"})
    REQUIRE(cluster.ask(0, wire::StartPeer{.kind = "register", .options = {}}, peer).refusal
            == Refusal::none);

  const auto response = cluster.ask(0, wire::SetConfiguration{{"a", "b", "c"}});
  cluster.client.use_cluster({cluster.full_name(0)});

  CHECK(response.refusal == Refusal::none);
  CHECK(cluster.write("=x").refusal == Refusal::none);
  CHECK(cluster.read() == "x");
}

TEST_CASE("no node dials where a stranger says it lives: it is answered over its own connection") {
  Cluster cluster(1);
  cluster.found();
  REQUIRE(cluster.write("=x").refusal == Refusal::none);
  const auto identity = std::get<wire::Identity>(cluster.ask(0, wire::AskIdentity{}).body);
  const auto status = std::get<wire::PeerStatus>(cluster.ask(0, wire::AskStatus{}).body);
  auto forged = listen_on("127.0.0.1:0");
  REQUIRE(std::holds_alternative<Listening>(forged));
  const auto& elsewhere = std::get<Listening>(forged);

  test::RawClient stranger(cluster.addresses[0]);
  stranger.write(wire::Hello{.node = "x", .address = elsewhere.address, .incarnation = 1});
  REQUIRE(stranger.read());  // The hello.
  // A candidate of a later term is answered by everyone.
  stranger.write(wire::PeerMessages{.messages = {{.cluster = status.cluster,
                                                  .from = {4711},
                                                  .to = identity.id,
                                                  .term = {status.term.value},
                                                  .body = PreVoteRequest{.last = {}}}}});
  const auto answer = stranger.read();

  REQUIRE(answer);
  REQUIRE(std::holds_alternative<wire::PeerMessages>(*answer));
  REQUIRE(std::get<wire::PeerMessages>(*answer).messages.size() == 1);
  CHECK(std::get<wire::PeerMessages>(*answer).messages[0].to == PeerId{4711});
  // The node has had reason to dial by now, and answers what comes behind it.
  CHECK(cluster.read() == "x");
  pollfd waiting{.fd = elsewhere.socket.fd(), .events = POLLIN, .revents = 0};
  CHECK(::poll(&waiting, 1, 200) == 0);
}

TEST_CASE("a node says why it cannot start") {
  Directory directory;
  auto first = start_node("a", directory.path / "a");
  REQUIRE(std::holds_alternative<std::unique_ptr<Node>>(first));
  const std::string taken = std::get<std::unique_ptr<Node>>(first)->address();

  const auto same_directory = start_node("b", directory.path / "a");
  const auto same_address = start_node("b", directory.path / "b", taken);
  const auto no_name = start_node("", directory.path / "c");
  const auto odd_name = start_node("a\nlevel=error", directory.path / "c");
  const auto anywhere = start_node("c", directory.path / "c", "0.0.0.0:0");

  REQUIRE(std::holds_alternative<std::string>(same_directory));
  REQUIRE(std::holds_alternative<std::string>(same_address));
  CHECK(std::get<std::string>(same_address).find(taken) != std::string::npos);
  REQUIRE(std::holds_alternative<std::string>(no_name));
  REQUIRE(std::holds_alternative<std::string>(odd_name));
  REQUIRE(std::holds_alternative<std::string>(anywhere));
  CHECK(std::get<std::string>(anywhere).find("0.0.0.0") != std::string::npos);
  machine::Kind incomplete = test::register_kind();
  incomplete.valid_query = nullptr;
  const auto kind =
      start_node("c", directory.path / "c", "127.0.0.1:0", {{"register", incomplete}});
  REQUIRE(std::holds_alternative<std::string>(kind));
  CHECK(std::get<std::string>(kind) == "the kind 'register' lacks valid_query");
  for (const char* advertised : {"0.0.0.0:4001", "[::]:4001", "*:4001", "0x0:1", "224.0.0.1:1",
                                 "255.255.255.255:1", "127.0.0.1:0", "127.0.0.1", ":1"}) {
    CAPTURE(advertised);
    const auto started = start_node("c", directory.path / "c", "127.0.0.1:0", {}, advertised);
    REQUIRE(std::holds_alternative<std::string>(started));
    CHECK(std::get<std::string>(started).find(advertised) != std::string::npos);
  }
}

TEST_CASE("a node listens beyond loopback only if it is told that this is meant") {
  Directory directory;
  const machine::Kinds kinds{{"register", test::register_kind()}};
  const auto start = [&](const std::string& listen, const std::string& advertise, bool insecure) {
    auto started = start_node("a", directory.path / "a", listen, kinds, advertise, insecure);
    const auto* problem = std::get_if<std::string>(&started);
    return problem == nullptr ? std::string() : *problem;
  };

  for (const char* everywhere : {"0.0.0.0:0", "*:0", "0:0", "[::]:0", "[::ffff:0.0.0.0]:0"}) {
    CAPTURE(everywhere);
    CHECK(start(everywhere, "127.0.0.1:1", false)
          == std::string("listen ") + everywhere
                 + ": anyone who reaches it could read, change and stop everything; say "
                   "--insecure if only friends can reach it");
    CHECK(start(everywhere, {}, true).ends_with("advertise one that is"));
    CHECK(!std::filesystem::exists(directory.path / "a"));
  }
  CHECK(start("0.0.0.0:0", "127.0.0.1:1", true).empty());
  CHECK(start("224.0.0.1:0", "127.0.0.1:1", true)
        == "listen: 224.0.0.1:0 stands for a group of machines");
  CHECK(start("localhost:0", {}, false).empty());
}

TEST_CASE("no member has an address that nobody can dial") {
  Cluster cluster(1);
  cluster.found();

  for (const char* address : {"0.0.0.0:1", "*:1", "[::ffff:0.0.0.0]:1", "224.0.0.1:1"}) {
    const auto response = cluster.ask(0, wire::SetConfiguration{{std::string("a@") + address}});
    CAPTURE(response.detail);
    CHECK(response.refusal == Refusal::invalid);
    CHECK(response.detail.ends_with("so nobody can dial it"));
  }
}

TEST_CASE("a node is known by the address that it advertises, though that does not lead back") {
  Directory directory;
  const std::string nobody_there = "127.0.0.1:1";
  auto started = start_node("a", directory.path / "a", "0.0.0.0:0",
                            {{"register", test::register_kind()}}, nobody_there, true);
  REQUIRE(std::holds_alternative<std::unique_ptr<Node>>(started));
  const auto& node = std::get<std::unique_ptr<Node>>(started);
  CHECK(node->address() == nobody_there);
  CHECK(node->listening() != nobody_there);
  Client client(*node);
  const auto ask = [&](decltype(wire::Request::body) body) {
    return client
        .request(node->address(), {.id = 0, .peer = "p", .body = std::move(body)}, patience)
        .get();
  };

  const auto peer = ask(wire::StartPeer{.kind = "register", .options = {}});
  const auto founded = ask(wire::SetConfiguration{{"p"}});
  client.use_cluster({"p@" + nobody_there});

  CHECK(std::get<std::string>(peer.body) == "p@" + nobody_there);
  REQUIRE(founded.refusal == Refusal::none);
  CHECK(std::get<Configuration>(founded.body).voters.at(0).address == nobody_there);
  CHECK(client.write(command("=1")).get().refusal == Refusal::none);
}

TEST_CASE(
    "a node remembers the options of its peers, and starts none with options that do not fit") {
  Directory directory;
  Client client;
  const auto start = [&](Duration election_timeout_min) {
    NodeOptions options;
    options.name = "a";
    options.listen = "127.0.0.1:0";
    options.directory = directory.path.string();
    options.kinds = {{"register", test::register_kind()}};
    options.engine.election_timeout_min = election_timeout_min;
    auto started = Node::start(std::move(options));
    REQUIRE(started);
    return *std::move(started);
  };
  const auto ask = [&](const Node& node, decltype(wire::Request::body) body) {
    return client.request(node.address(), {.id = 0, .peer = "p", .body = std::move(body)}, patience)
        .get()
        .refusal;
  };
  const wire::StartPeer slow{.kind = "register", .options = {{"heartbeat_interval_ms", "50"}}};
  REQUIRE(ask(*start(std::chrono::milliseconds(150)), slow) == Refusal::none);

  CHECK(ask(*start(std::chrono::milliseconds(200)), wire::AskStatus{}) == Refusal::none);
  // Elections are at least three heartbeats apart.
  CHECK(ask(*start(std::chrono::milliseconds(120)), wire::AskStatus{}) == Refusal::no_peer);
}

TEST_CASE("a peer that is held back says who it is, and starts with the options that it had") {
  Directory directory;
  Client client;
  const auto start = [&](const std::string& held) {
    NodeOptions options;
    options.name = "a";
    options.listen = "127.0.0.1:0";
    options.directory = directory.path.string();
    options.kinds = {{"register", test::register_kind()}};
    options.held_peer = held;
    auto started = Node::start(std::move(options));
    REQUIRE(started);
    return *std::move(started);
  };
  const auto ask = [&](const Node& node, decltype(wire::Request::body) body) {
    return client.request(node.address(), {.id = 0, .peer = "p", .body = std::move(body)}, patience)
        .get();
  };
  const wire::StartPeer alone{.kind = "register", .options = {{"entry_bytes_max", "4096"}}};
  wire::Identity before;
  {
    const auto node = start({});
    REQUIRE(ask(*node, alone).refusal == Refusal::none);
    REQUIRE(ask(*node, wire::SetConfiguration{{"p"}}).refusal == Refusal::none);
    before = std::get<wire::Identity>(ask(*node, wire::AskIdentity{}).body);
    CHECK(before.running);
    CHECK(before.cluster != ClusterId{});
    REQUIRE(ask(*node, wire::StopPeer{}).refusal == Refusal::none);
  }

  const auto node = start("p");
  const auto held = std::get<wire::Identity>(ask(*node, wire::AskIdentity{}).body);
  CHECK_FALSE(held.running);
  CHECK(held.id == before.id);
  CHECK(held.cluster == before.cluster);
  CHECK(held.term == before.term);
  CHECK(held.last >= before.last);
  CHECK(held.address == node->address());
  CHECK(held.node != before.node);
  CHECK(ask(*node, wire::AskStatus{}).refusal == Refusal::no_peer);

  // Also if an operator had stopped it.
  const wire::StartPeer as_before{.kind = "register", .options = {}};
  REQUIRE(ask(*node, as_before).refusal == Refusal::none);
  CHECK(eventually([&] {
    const auto status = ask(*node, wire::AskStatus{});
    return std::get<wire::PeerStatus>(status.body).role == Role::leader;
  }));
  const auto large = client
                         .call(node->address(), "p", wire::CallKind::command,
                               command("=" + std::string(5000, 'x')), patience)
                         .get();
  CHECK(large.refusal == Refusal::too_large);
}

TEST_CASE("a node does not start with a peer of a kind that its program lacks") {
  Directory directory;
  {
    auto started = start_node("a", directory.path / "a");
    REQUIRE(std::holds_alternative<std::unique_ptr<Node>>(started));
    Client client;
    const auto response =
        client
            .request(
                std::get<std::unique_ptr<Node>>(started)->address(),
                {.id = 0, .peer = "p", .body = wire::StartPeer{.kind = "register", .options = {}}},
                patience)
            .get();
    REQUIRE(response.refusal == Refusal::none);
  }

  const auto started = start_node("a", directory.path / "a", "127.0.0.1:0", {});

  REQUIRE(std::holds_alternative<std::string>(started));
  CHECK(std::get<std::string>(started).find("register") != std::string::npos);
}

}  // namespace
}  // namespace troupe::actors
