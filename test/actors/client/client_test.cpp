#include "actors/client/client.hpp"

#include "test/actors/raw_client.hpp"
#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::actors::test;

namespace {

constexpr Duration long_enough = 10s;

/// A leader that repeats what it is asked.
Puppet::Script echo() {
  return on_calls([](Puppet& self, const InboundCalls& inbound) {
    wire::CallReplies replies;
    for (const wire::Call& call : inbound.calls.calls)
      replies.replies.push_back({.id = call.id, .index = {call.id}, .value = call.payload});
    actors::send(&self, inbound.connection, wire::encode(replies));
  });
}

/// Takes calls and never answers.
Puppet::Script swallow(const std::shared_ptr<Inbox<InboundCalls>>& inbox) {
  return on_calls([=](Puppet&, InboundCalls inbound) { inbox->put(std::move(inbound)); });
}

}  // namespace

TEST_CASE("a call to a node's peer is answered") {
  LiveSystem live;
  FakeNode node(live, echo());
  Client client;

  const auto reply =
      get(client.call(node.address(), "peer1", wire::CallKind::query, bytes("hi"), long_enough));

  CHECK(reply.refusal == Refusal::none);
  CHECK(reply.value.text() == "hi");
}

TEST_CASE("a request to a node is answered") {
  LiveSystem live;
  FakeNode node(live, [](Puppet& self, Puppet::Heard heard) {
    const auto& inbound = std::get<InboundRequest>(heard);
    actors::send(&self, inbound.connection,
                 wire::encode(wire::Response{.id = inbound.request.id,
                                             .body = inbound.request.peer + "@here"}));
  });
  Client client(live.actors);

  const auto response = get(
      client.request(node.address(), {.peer = "peer1", .body = wire::AskLeader{}}, long_enough));

  CHECK(response.refusal == Refusal::none);
  CHECK(std::get<std::string>(response.body) == "peer1@here");
}

TEST_CASE("a request that no node could read is refused, and hurts no other call") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode node(live, swallow(asked));
  Client client(live.actors);
  auto call = client.call(node.address(), "peer1", wire::CallKind::command, bytes("c"), 60s);
  const auto inbound = asked->take();
  REQUIRE(inbound);

  const auto response = get(client.request(
      node.address(), {.peer = std::string(300, 'p'), .body = wire::AskStatus{}}, long_enough));
  const auto other = get(client.request(
      node.address(), {.peer = "p", .body = wire::StartPeer{.kind = std::string(300, 'k')}},
      long_enough));
  send_from_outside(
      inbound->connection,
      wire::encode(wire::CallReplies{.replies = {{.id = inbound->calls.calls.at(0).id}}}));

  CHECK(response.refusal == Refusal::no_peer);
  CHECK(other.refusal == Refusal::invalid);
  CHECK(get(std::move(call)).refusal == Refusal::none);
}

TEST_CASE("calls that wait for a connection travel together") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode node(live, swallow(asked));
  Client client(live.actors);
  client.use_cluster({node.peer("peer1")});

  std::atomic<int> open{0};
  for (int i = 0; i < 1000; ++i)
    client.write(bytes("command"), [&](const wire::CallReply&) { ++open; });

  // Those who came while the connection was made, and the rest in a few turns.
  std::size_t calls = 0;
  std::size_t frames = 0;
  while (calls < 1000) {
    const auto inbound = asked->take();
    REQUIRE(inbound);
    CHECK(inbound->calls.peer == "peer1");
    CHECK(inbound->calls.kind == wire::CallKind::command);
    calls += inbound->calls.calls.size();
    ++frames;
  }
  CHECK(calls == 1000);
  CHECK(frames <= 100);
}

TEST_CASE("a frame of calls is not larger than it may be") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode node(live, swallow(asked));
  Client client(live.actors, {.batch_bytes_max = 1000});
  client.use_cluster({node.peer("peer1")});

  for (int i = 0; i < 10; ++i)
    client.write(bytes(std::string(400, 'x')), [](const wire::CallReply&) {});

  std::size_t calls = 0;
  while (calls < 10) {
    const auto inbound = asked->take();
    REQUIRE(inbound);
    CHECK(inbound->calls.calls.size() <= 2);
    calls += inbound->calls.calls.size();
  }
}

TEST_CASE("a redirect is an answer to who asked one node") {
  LiveSystem live;
  FakeNode node(live, refuse_all(Refusal::redirect, "peer2@127.0.0.1:1"));
  Client client(live.actors);

  const auto reply =
      get(client.call(node.address(), "peer1", wire::CallKind::query, {}, long_enough));

  CHECK(reply.refusal == Refusal::redirect);
  CHECK(reply.detail == "peer2@127.0.0.1:1");
}

TEST_CASE("a cluster's client follows redirects and remembers who answered") {
  LiveSystem live;
  FakeNode leader(live, echo());
  auto hint = refuse_all(Refusal::redirect, leader.peer("peer2"));
  FakeNode follower(live, hint);
  Client client(live.actors);
  client.use_cluster({follower.peer("peer1")});
  CHECK(client.leader().empty());

  const auto reply = get(client.write(bytes("c")));

  CHECK(reply.refusal == Refusal::none);
  CHECK(reply.value.text() == "c");
  CHECK(client.leader() == leader.peer("peer2"));
}

TEST_CASE("a client asks the next peer while this one is no help") {
  LiveSystem live;
  FakeNode leader(live, echo());
  const std::string nowhere = "peer0@" + free_address();
  for (const Refusal refusal :
       {Refusal::redirect, Refusal::election_in_progress, Refusal::no_peer, Refusal::stopping}) {
    CAPTURE(name(refusal));
    FakeNode other(live, refuse_all(refusal));
    Client client(live.actors);
    client.use_cluster({nowhere, other.peer("peer1"), leader.peer("peer2")});

    CHECK(get(client.write(bytes("c"))).refusal == Refusal::none);
    CHECK(client.leader() == leader.peer("peer2"));
  }
}

TEST_CASE("a busy leader is asked again") {
  LiveSystem live;
  auto times = std::make_shared<std::atomic<int>>(0);
  FakeNode node(live, on_calls([times](Puppet& self, const InboundCalls& inbound) {
                  const bool busy = (*times)++ < 2;
                  self.answer(inbound, {.refusal = busy ? Refusal::busy : Refusal::none});
                }));
  Client client(live.actors);
  client.use_cluster({node.peer("peer1"), "peer2@" + free_address()});

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::none);
  CHECK(*times == 3);
}

TEST_CASE("two who take each other for the leader do not keep a client running") {
  LiveSystem live;
  const std::string second_address = free_address();
  auto times = std::make_shared<std::atomic<int>>(0);
  FakeNode first(live, on_calls([=](Puppet& self, const InboundCalls& inbound) {
                   ++*times;
                   self.answer(inbound,
                               {.refusal = Refusal::redirect, .detail = "b@" + second_address});
                 }));
  FakeNode second(live, refuse_all(Refusal::redirect, first.peer("a")), second_address);
  Client client(live.actors, {.timeout = 200ms});
  client.use_cluster({first.peer("a"), second.peer("b")});

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::election_in_progress);
  CHECK(*times < 50);
}

TEST_CASE("two who take each other for the leader do not keep a client from who leads") {
  LiveSystem live;
  const std::string second_address = free_address();
  FakeNode first(live, refuse_all(Refusal::redirect, "b@" + second_address));
  FakeNode second(live, refuse_all(Refusal::redirect, first.peer("a")), second_address);
  FakeNode leader(live, echo());
  Client client(live.actors);
  client.use_cluster({first.peer("a"), second.peer("b"), leader.peer("c")});

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::none);
}

TEST_CASE("a command whose connection breaks has an unknown outcome") {
  LiveSystem live;
  // An exit closes the connection; nothing was answered before.
  FakeNode node(live, on_calls([](Puppet& self, const InboundCalls& inbound) {
                  self.send_exit(inbound.connection, caf::exit_reason::kill);
                }));
  Client client(live.actors);
  client.use_cluster({node.peer("peer1")});

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::unknown_outcome);
  CHECK(get(client.call(node.address(), "peer1", wire::CallKind::command, bytes("c"), long_enough))
            .refusal
        == Refusal::unknown_outcome);
  CHECK(get(client.call(node.address(), "peer1", wire::CallKind::query, bytes("q"), long_enough))
            .refusal
        == Refusal::unreachable);
}

namespace {

/// A node without a place: it says so to each that connects, before its own hello or behind it.
class FullNode {
public:
  explicit FullNode(bool says_hello) : says_hello_(says_hello) {
    auto outcome = listen_on("127.0.0.1:0");
    REQUIRE(std::holds_alternative<Listening>(outcome));
    auto& listening = std::get<Listening>(outcome);
    address = listening.address;
    socket_ = std::move(listening.socket);
  }

  /// Until `over`. Answers how many came.
  int serve(const std::function<bool()>& over) {
    int came = 0;
    while (!over()) {
      pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
      if (::poll(&waiting, 1, 5) != 1)
        continue;
      ++came;
      RawClient client(Socket(::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK)));
      REQUIRE(client.read());
      if (says_hello_) {
        client.write(wire::Hello{.node = "full", .address = address});
        REQUIRE(client.read());  // What was called is not looked at.
      }
      client.write(wire::Response{
          .id = 0, .refusal = Refusal::busy, .detail = "connections_max: 1", .body = {}});
      CHECK(client.is_closed());
    }
    return came;
  }

  std::string address{};

private:
  bool says_hello_;
  Socket socket_{};
};

}  // namespace

TEST_CASE("a command to a node without a place did not happen, and the node is seldom asked") {
  for (const bool says_hello : {false, true}) {
    CAPTURE(says_hello);
    LiveSystem live;
    FullNode node(says_hello);
    Client client(live.actors, {.timeout = 1200ms});
    client.use_cluster({"peer1@" + node.address});

    auto reply = client.write(bytes("c"));
    const int came = node.serve([&] { return reply.wait_for(0s) == std::future_status::ready; });

    const wire::CallReply got = get(std::move(reply));
    CHECK(got.refusal == Refusal::busy);
    CHECK(got.detail == node.address + ": connections_max: 1");
    // At once, then after a quarter of a second or more, and after half a second or more.
    CHECK(came >= 2);
    CHECK(came <= 4);
  }
}

TEST_CASE("a client whose node has a place again is answered") {
  LiveSystem live;
  auto node = std::make_unique<FullNode>(false);
  const std::string address = node->address;
  Client client(live.actors, {.timeout = long_enough});
  client.use_cluster({"peer1@" + address});
  auto reply = client.write(bytes("c"));
  int turns = 0;
  node->serve([&] { return ++turns > 1; });
  node.reset();

  FakeNode again(live, echo(), address);

  CHECK(get(std::move(reply)).refusal == Refusal::none);
}

TEST_CASE("a query whose connection breaks is sent again") {
  LiveSystem live;
  auto times = std::make_shared<std::atomic<int>>(0);
  FakeNode node(live, on_calls([times](Puppet& self, const InboundCalls& inbound) {
                  if ((*times)++ < 2)
                    self.send_exit(inbound.connection, caf::exit_reason::kill);
                  else
                    self.answer(inbound, {});
                }));
  Client client(live.actors);
  client.use_cluster({node.peer("peer1")});

  CHECK(get(client.read(bytes("q"))).refusal == Refusal::none);
  CHECK(*times == 3);
}

TEST_CASE("a leader's doubt is passed on for a command, and resolved for a query") {
  LiveSystem live;
  FakeNode lost(live, refuse_all(Refusal::unknown_outcome));
  FakeNode leader(live, echo());
  Client client(live.actors);
  client.use_cluster({lost.peer("peer1"), leader.peer("peer2")});

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::unknown_outcome);
  CHECK(get(client.read(bytes("q"))).refusal == Refusal::none);
}

TEST_CASE("a resource's own refusal is an answer") {
  LiveSystem live;
  FakeNode leader(live, refuse_all(Refusal::resource, "key_not_found"));
  Client client(live.actors);
  client.use_cluster({leader.peer("peer1")});

  const auto reply = get(client.read(bytes("q")));

  CHECK(reply.refusal == Refusal::resource);
  CHECK(reply.detail == "key_not_found");
  CHECK(client.leader() == leader.peer("peer1"));
}

TEST_CASE("a query that is not answered goes to another peer") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode frozen(live, swallow(asked));
  FakeNode leader(live, echo());
  Client client(live.actors, {.timeout = long_enough});
  client.use_cluster({frozen.peer("peer1"), leader.peer("peer2")});

  CHECK(get(client.read(bytes("q"))).refusal == Refusal::none);
  CHECK(asked->size() == 1);
}

TEST_CASE("who refuses the connection is unreachable at once") {
  LiveSystem live;
  const std::string address = free_address();
  Client client(live.actors);
  const auto before = std::chrono::steady_clock::now();

  const auto response = get(client.request(address, {.body = wire::AskPeers{}}, 60s));
  const auto reply = get(client.call(address, "peer1", wire::CallKind::command, {}, 60s));

  CHECK(response.refusal == Refusal::unreachable);
  CHECK(response.detail == address);
  CHECK(reply.refusal == Refusal::unreachable);
  CHECK(reply.detail == address);
  CHECK(std::chrono::steady_clock::now() - before < patience);
}

TEST_CASE("a cluster that cannot be reached is tried until the timeout") {
  LiveSystem live;
  const std::string address = free_address();
  Client client(live.actors, {.timeout = 100ms});
  client.use_cluster({"peer1@" + address});

  const auto reply = get(client.write(bytes("c")));

  CHECK(reply.refusal == Refusal::unreachable);
  CHECK(reply.detail == address);
}

TEST_CASE("a cluster that appears in time is found") {
  LiveSystem live;
  const std::string address = free_address();
  Client client(live.actors, {.timeout = long_enough});
  client.use_cluster({"peer1@" + address});

  auto reply = client.write(bytes("c"));
  FakeNode node(live, echo(), address);

  CHECK(get(std::move(reply)).refusal == Refusal::none);
}

TEST_CASE("a node that restarts is found again") {
  LiveSystem live;
  FakeNode node(live, echo());
  Client client(live.actors, {.timeout = long_enough});
  client.use_cluster({node.peer("peer1")});
  REQUIRE(get(client.write(bytes("a"))).refusal == Refusal::none);

  node.stop();
  FakeNode again(live, echo(), node.address());

  // The first may have left before the end of the connection was seen.
  const auto reply = get(client.read(bytes("b")));
  CHECK(reply.refusal == Refusal::none);
}

TEST_CASE("what is not answered in time ends in a timeout, and a late answer is ignored") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode node(live, swallow(asked));
  Client client(live.actors);
  const auto call = [&](Duration timeout) {
    return client.call(node.address(), "peer1", wire::CallKind::command, bytes("c"), timeout);
  };
  auto first = call(400ms);  // Enough to get there.
  const auto inbound = asked->take();
  REQUIRE(inbound);
  CHECK(get(std::move(first)).refusal == Refusal::timeout);

  auto second = call(60s);
  const auto next = asked->take();
  REQUIRE(next);
  wire::CallReplies late{.replies = {{.id = inbound->calls.calls.at(0).id, .value = bytes("late")},
                                     {.id = 424242, .value = bytes("made up")},
                                     {.id = next->calls.calls.at(0).id, .value = bytes("right")}}};
  send_from_outside(next->connection, wire::encode(late));

  CHECK(get(std::move(second)).value.text() == "right");
}

TEST_CASE("more calls than allowed are refused as busy, and others follow when some are answered") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode node(live, swallow(asked));
  Client client(live.actors, {.timeout = 60s, .calls_max = 2});
  client.use_cluster({node.peer("peer1")});
  auto first = client.write(bytes("a"));
  auto second = client.write(bytes("b"));

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::busy);
  const auto inbound = asked->take();
  REQUIRE(inbound);
  send_from_outside(
      inbound->connection,
      wire::encode(wire::CallReplies{.replies = {{.id = inbound->calls.calls.at(0).id}}}));
  CHECK(get(std::move(first)).refusal == Refusal::none);
  auto third = client.write(bytes("c"));

  CHECK(third.wait_for(0s) == std::future_status::timeout);
}

TEST_CASE("more bytes than allowed are refused as busy, and what fits no frame as too large") {
  LiveSystem live;
  FakeNode node(live, swallow(std::make_shared<Inbox<InboundCalls>>()));
  Client client(live.actors, {.timeout = 60s, .bytes_max = 1000});
  client.use_cluster({node.peer("peer1")});

  auto first = client.write(bytes(std::string(900, 'x')));
  CHECK(get(client.write(bytes(std::string(200, 'x')))).refusal == Refusal::busy);
  const auto reply = get(client.write(bytes(std::string(wire::frame_body_bytes_max, 'x'))));
  CHECK(reply.refusal == Refusal::too_large);
  CHECK(!reply.detail.empty());
}

TEST_CASE("a client without a cluster says so") {
  LiveSystem live;
  Client client(live.actors);
  client.use_cluster({"not a peer"});

  CHECK(get(client.write(bytes("c"))).refusal == Refusal::invalid);
}

TEST_CASE("calls in flight end when the client does, and commands that left are in doubt") {
  LiveSystem live;
  auto asked = std::make_shared<Inbox<InboundCalls>>();
  FakeNode node(live, swallow(asked));
  std::vector<std::future<wire::CallReply>> replies;
  std::atomic<int> called{0};
  {
    Client client({.timeout = 60s});
    client.use_cluster({node.peer("peer1")});
    for (int i = 0; i < 50; ++i)
      replies.push_back(client.write(bytes("c")));
    REQUIRE(asked->take());
    for (int i = 0; i < 50; ++i)
      client.read(bytes("q"), [&](const wire::CallReply& reply) {
        CHECK(reply.refusal == Refusal::stopping);
        ++called;
      });
    replies.push_back(client.call(free_address(), "p", wire::CallKind::query, {}, 60s));
  }

  CHECK(called == 50);
  // The node has it: nobody can tell any more what became of it.
  CHECK(get(std::move(replies.front())).refusal == Refusal::unknown_outcome);
  for (std::size_t i = 1; i < replies.size(); ++i)
    CHECK(get(std::move(replies[i])).refusal != Refusal::none);
}

TEST_CASE("a reply's function may call again") {
  LiveSystem live;
  FakeNode node(live, echo());
  Client client(live.actors);
  client.use_cluster({node.peer("peer1")});
  std::promise<std::string> last;

  client.write(bytes("a"), [&](const wire::CallReply&) {
    client.read(bytes("b"), [&](const wire::CallReply& reply) {
      last.set_value(std::string(reply.value.text()));
    });
  });

  CHECK(get(last.get_future()) == "b");
}

TEST_CASE("a client of a system without the network says which module is missing") {
  caf::actor_system_config config;
  caf::actor_system bare(config);
  Client client(bare);
  client.use_cluster({"peer1@127.0.0.1:1"});

  const auto reply = get(client.write(bytes("command")));
  const auto response =
      get(client.request("127.0.0.1:1", {.peer = "p", .body = wire::AskStatus{}}, long_enough));

  CHECK(reply.refusal == Refusal::invalid);
  CHECK(reply.detail.find("caf::io::middleman") != std::string::npos);
  CHECK(reply.detail.find("configure") != std::string::npos);
  CHECK(response.detail == reply.detail);
}

TEST_CASE("a client that was given no peer to ask says which text is none") {
  LiveSystem live;
  Client client(live.actors);

  CHECK(get(client.read({})).detail == "no cluster to ask: use_cluster was not called");
  client.use_cluster({"nonsense", "worse"});
  const auto reply = get(client.read({}));
  CHECK(reply.refusal == Refusal::invalid);
  CHECK(reply.detail == "use_cluster was given 'nonsense', which is not NAME@HOST:PORT");
  client.use_cluster({std::string(100000, 'x')});
  CHECK(get(client.read({})).detail.size() < 200);
  client.use_cluster({});
  CHECK(get(client.read({})).detail == "use_cluster was given no peer to ask");
}

TEST_CASE("a name that no peer can have is named, and cut") {
  LiveSystem live;
  Client client(live.actors);

  const auto reply = get(
      client.call("127.0.0.1:1", std::string(300, 'p'), wire::CallKind::query, {}, long_enough));

  CHECK(reply.refusal == Refusal::no_peer);
  CHECK(reply.detail.starts_with("pppp"));
  CHECK(reply.detail.ends_with("p... (a name of 300 bytes)"));
  CHECK(reply.detail.size() < 100);
}
