#include "actors/transport/acceptor.hpp"
#include "actors/transport/connection.hpp"
#include "test/actors/raw_client.hpp"
#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::actors::test;

namespace {

const wire::Hello from_node{.node = "b", .address = "127.0.0.1:4002", .incarnation = 7};

wire::Calls one_call(const std::string& peer, std::uint64_t id) {
  return {.peer = peer,
          .kind = wire::CallKind::query,
          .level = ReadLevel::linearizable,
          .calls = {{.id = id, .payload = Bytes::copy_of("question")}}};
}

Message message_to(std::uint64_t peer, std::uint64_t term) {
  return {.cluster = {1}, .from = {9}, .to = {peer}, .term = {term}, .body = VoteResponse{true}};
}

Puppet::Script into(const std::shared_ptr<Inbox<Puppet::Heard>>& inbox) {
  return [inbox](Puppet&, Puppet::Heard heard) { inbox->put(std::move(heard)); };
}

/// A node that answers every call with nothing.
Puppet::Script answer_all() {
  return on_calls([](Puppet& self, const InboundCalls& inbound) { self.answer(inbound, {}); });
}

/// Calls once and expects the answer.
void check_works(RawClient& client, std::uint64_t id) {
  client.write(one_call("peer1", id));
  const auto packet = client.read();
  REQUIRE(packet);
  const auto* replies = std::get_if<wire::CallReplies>(&*packet);
  REQUIRE(replies);
  REQUIRE(replies->replies.size() == 1);
  CHECK(replies->replies[0].id == id);
}

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

/// Says hello, and reads the other's.
void greet(RawClient& client, const wire::Hello& hello = {}) {
  client.write(hello);
  const auto packet = client.read();
  REQUIRE(packet);
  REQUIRE(std::holds_alternative<wire::Hello>(*packet));
}

/// Two sockets that are connected with each other.
std::pair<SharedSocket, RawClient> socket_pair() {
  auto listening = listen_on("127.0.0.1:0");
  REQUIRE(std::holds_alternative<Listening>(listening));
  auto& listener = std::get<Listening>(listening);
  RawClient client(listener.address);
  pollfd waiting{.fd = listener.socket.fd(), .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&waiting, 1, 20000) == 1);
  auto accepted =
      std::make_shared<Socket>(::accept4(listener.socket.fd(), nullptr, nullptr, SOCK_NONBLOCK));
  REQUIRE(*accepted);
  return {std::move(accepted), std::move(client)};
}

wire::Frame frame_of(std::size_t bytes) {
  return wire::encode(
      wire::CallReplies{.replies = {{.id = 1, .value = Bytes::copy_of(std::string(bytes, 'x'))}}});
}

}  // namespace

TEST_CASE("each side of a connection says hello first") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  RawClient client(node.address());

  const auto packet = client.read();

  REQUIRE(packet);
  const auto* hello = std::get_if<wire::Hello>(&*packet);
  REQUIRE(hello);
  CHECK(hello->node == "fake");
  CHECK(hello->address == node.address());
}

TEST_CASE("many who connect at once are all met, however few may wait for it at a time") {
  LiveSystem live;
  FakeNode node(live, answer_all(), "127.0.0.1:0", {}, {},
                {.connections_max = 1000, .strangers_max = 2});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(node.address()));
    clients.back()->write(wire::Hello{});
  }

  for (const auto& client : clients) {
    REQUIRE(client->read());  // Its hello.
    check_works(*client, 1);
  }
}

TEST_CASE("calls go to the peer that they name, or to the node where it does not run") {
  LiveSystem live;
  auto of_node = std::make_shared<Inbox<Puppet::Heard>>();
  FakeNode node(live, into(of_node));
  LiveEar peer1(live);
  auto registry = std::make_shared<Registry>();
  registry->by_name.emplace("peer1", peer1.actor);
  send_from_outside(node.acceptor(), SharedRegistry(registry));
  RawClient client(node.address());
  greet(client);

  client.write(one_call("peer1", 1));
  client.write(one_call("peer2", 2));

  CHECK(peer1.hear<InboundCalls>().calls.calls.at(0).id == 1);
  const auto heard = of_node->take();
  REQUIRE(heard);
  REQUIRE(std::holds_alternative<InboundCalls>(*heard));
  const auto& calls = std::get<InboundCalls>(*heard).calls;
  CHECK(calls.peer == "peer2");
  CHECK(calls.calls.at(0).payload.text() == "question");
}

TEST_CASE("a connection that is there already learns of a peer that starts") {
  LiveSystem live;
  auto of_node = std::make_shared<Inbox<Puppet::Heard>>();
  FakeNode node(live, into(of_node));
  RawClient client(node.address());
  greet(client);
  client.write(one_call("peer1", 1));
  REQUIRE(of_node->take());

  LiveEar peer1(live);
  auto registry = std::make_shared<Registry>();
  registry->by_name.emplace("peer1", peer1.actor);
  send_from_outside(node.acceptor(), SharedRegistry(registry));
  // The acceptor passes it on in its own time: calls until then are the node's.
  std::uint64_t id = 2;
  while (peer1.inbox->size() == 0) {
    client.write(one_call("peer1", id++));
    std::this_thread::yield();
  }

  CHECK(peer1.hear<InboundCalls>().calls.peer == "peer1");
}

TEST_CASE("messages of one frame reach each of their peers together, those of strangers nobody") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  LiveEar first(live), second(live);
  auto registry = std::make_shared<Registry>();
  registry->by_id = {{PeerId{1}, first.actor}, {PeerId{2}, second.actor}};
  send_from_outside(node.acceptor(), SharedRegistry(registry));
  RawClient other(node.address());
  greet(other, from_node);

  other.write(
      wire::PeerMessages{{message_to(1, 5), message_to(2, 5), message_to(3, 5), message_to(1, 6)}});

  const auto to_first = first.hear<InboundMessages>();
  const auto to_second = second.hear<InboundMessages>();
  CHECK(to_first.from_address == "127.0.0.1:4002");
  REQUIRE(to_first.messages.size() == 2);
  CHECK(to_first.messages[1].term == Term{6});
  CHECK(to_second.messages.size() == 1);
}

TEST_CASE("a request goes to the node, and its response comes back") {
  LiveSystem live;
  FakeNode node(live, [](Puppet& self, Puppet::Heard heard) {
    const auto& inbound = std::get<InboundRequest>(heard);
    const wire::Response response{.id = inbound.request.id, .body = std::string("peer1@h:1")};
    actors::send(&self, inbound.connection, wire::encode(response));
  });
  RawClient client(node.address());
  greet(client);

  client.write(wire::Request{.id = 5, .peer = "peer1", .body = wire::AskLeader{}});

  const auto packet = client.read();
  REQUIRE(packet);
  REQUIRE(std::holds_alternative<wire::Response>(*packet));
  CHECK(std::get<wire::Response>(*packet).id == 5);
}

TEST_CASE("nonsense closes its connection and no other") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  RawClient good(node.address());
  greet(good);
  std::vector<std::uint8_t> damaged = *wire::encode(one_call("peer1", 1));
  damaged.back() ^= 1;
  wire::Hello other_version;
  other_version.version = wire::protocol_version + 1;

  const auto first_words = [&](auto&& words) {
    RawClient client(node.address());
    client.write(words);
    return client.is_closed();
  };
  const auto after_hello = [&](auto&& words, const wire::Hello& hello = {}) {
    RawClient client(node.address());
    greet(client, hello);
    client.write(words);
    return client.is_closed();
  };

  CHECK(first_words(std::string_view("GET / HTTP/1.1\r\nHost: node\r\n\r\n")));
  CHECK(first_words(std::string_view("\xff\xff\xff\x7f\0\0\0\0", 8)));
  CHECK(first_words(wire::Packet(one_call("peer1", 1))));
  CHECK(first_words(wire::Packet(other_version)));
  CHECK(first_words(wire::Packet(wire::Hello{.node = "x", .address = "nowhere"})));
  CHECK(after_hello(wire::Packet(wire::Hello{})));
  CHECK(after_hello(std::span<const std::uint8_t>(damaged)));
  CHECK(after_hello(wire::Packet(wire::CallReplies{})));
  CHECK(after_hello(wire::Packet(wire::Response{})));
  CHECK(after_hello(wire::Packet(wire::PeerMessages{{message_to(1, 1)}})));
  check_works(good, 1);
}

TEST_CASE("half frames give way when they take too much together, one that stands still first") {
  LiveSystem live;
  FakeNode node(live, answer_all(), "127.0.0.1:0", {.half_frame_bytes_max = 1'000'000});
  wire::Calls large = one_call("peer1", 1);
  large.calls[0].payload = Bytes::copy_of(std::string(900'000, 'x'));
  const wire::Frame frame = wire::encode(large);
  const auto all_of_it = std::span(*frame);
  const auto most_of_it = all_of_it.first(800'000);
  RawClient slow(node.address());
  RawClient other(node.address());
  greet(slow);
  greet(other);

  // Behind a call in the same write: who has the answer knows that the half was begun.
  const wire::Frame call = wire::encode(one_call("peer1", 1));
  std::vector<std::uint8_t> begun(call->begin(), call->end());
  begun.insert(begun.end(), most_of_it.begin(), most_of_it.end());
  slow.write(std::span<const std::uint8_t>(begun));
  REQUIRE(slow.read());
  // Each answer to a third client takes a turn of the node, and in each turn it reads on. After
  // these it has read all of the half, which stands still from then on.
  RawClient third(node.address());
  greet(third);
  for (std::uint64_t id = 1; id <= 64; ++id)
    check_works(third, id);
  other.write(most_of_it);

  CHECK(slow.is_closed());
  other.write(all_of_it.subspan(most_of_it.size()));
  CHECK(other.read().has_value());
  check_works(other, 2);
}

TEST_CASE("who was refused and does not close his end holds no file of the node") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  const std::size_t before = open_files();
  std::vector<RawClient> clients;

  for (int i = 0; i < 40; ++i) {
    clients.emplace_back(node.address());
    clients.back().write(std::string_view("nonsense, nonsense, nonsense"));
    REQUIRE(clients.back().is_closed());
  }

  // The other side sees the end a moment before the node has let go.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (open_files() > before + clients.size() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(open_files() == before + clients.size());
}

TEST_CASE("who says no hello in time is closed") {
  LiveSystem live;
  FakeNode node(live, answer_all(), "127.0.0.1:0", {.hello_timeout = 30ms});
  RawClient client(node.address());

  CHECK(client.is_closed());
}

TEST_CASE("who promises more than a hello, and has not said it, is closed before it comes") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  RawClient client(node.address());

  client.write(std::string_view("\0\0\1\0....", 8));

  CHECK(client.is_closed());
}

TEST_CASE("what comes right behind a hello may be large") {
  LiveSystem live;
  auto of_node = std::make_shared<Inbox<Puppet::Heard>>();
  FakeNode node(live, into(of_node));
  RawClient client(node.address());
  wire::Calls calls = one_call("peer1", 1);
  calls.calls[0].payload = Bytes::copy_of(std::string(100'000, 'x'));
  std::vector<std::uint8_t> both = *wire::encode(wire::Hello{});
  const wire::Frame frame = wire::encode(calls);
  both.insert(both.end(), frame->begin(), frame->end());

  client.write(both);

  const auto heard = of_node->take();
  REQUIRE(heard);
  REQUIRE(std::holds_alternative<InboundCalls>(*heard));
  CHECK(std::get<InboundCalls>(*heard).calls.calls.at(0).payload.size() == 100'000);
}

TEST_CASE("half a frame is not kept for ever") {
  LiveSystem live;
  FakeNode node(live, answer_all(), "127.0.0.1:0", {.frame_timeout = 30ms});
  RawClient client(node.address());
  client.write(wire::Hello{});

  client.write(std::string_view("\0\0\1\0....some of it", 18));

  CHECK(client.is_closed());
}

TEST_CASE("one connection more than allowed is told so, and closed") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  std::vector<RawClient> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back(node.address());
    greet(clients.back());
    clients.back().write(one_call("peer1", 1));
    REQUIRE(clients.back().read());  // It keeps its place: it asks.
  }

  RawClient one_more(node.address());
  one_more.write(wire::Hello{});
  const auto packet = one_more.read();

  REQUIRE(packet);
  const auto* response = std::get_if<wire::Response>(&*packet);
  REQUIRE(response);
  CHECK(response->id == 0);
  CHECK(response->refusal == Refusal::busy);
  CHECK(response->detail == "connections_max: 16");
  CHECK(one_more.is_closed());
}

TEST_CASE("one connection more than allowed is closed, and a place that gets free is taken again") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  std::vector<RawClient> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back(node.address());
    greet(clients.back());
  }

  RawClient one_more(node.address());
  CHECK(one_more.is_closed());
  clients.pop_back();
  // Until the node has seen the last one go.
  std::optional<wire::Packet> hello;
  while (!hello) {
    clients.emplace_back(node.address());
    hello = clients.back().read();
  }

  CHECK(std::holds_alternative<wire::Hello>(*hello));
}

TEST_CASE("a client that does not read its answers is closed, not buffered for") {
  LiveSystem live;
  auto closed = std::make_shared<Inbox<bool>>();
  FakeNode node(live, on_calls([closed](Puppet& self, InboundCalls inbound) {
                  if (inbound.calls.calls.at(0).id == 1)
                    inbound.connection->attach_functor([closed] { closed->put(true); });
                  self.answer(inbound, {.value = Bytes::copy_of(std::string(1 << 20, 'x'))});
                }),
                "127.0.0.1:0", {.unwritten_bytes_max = std::size_t{4} << 20});
  RawClient client(node.address());
  greet(client);

  constexpr std::uint64_t calls = 64;
  for (std::uint64_t id = 1; id <= calls; ++id)
    client.write(one_call("peer1", id));
  REQUIRE(closed->take());

  // What the sockets took, and then the end.
  std::uint64_t answers = 0;
  while (client.read())
    ++answers;
  CHECK(answers < calls);
}

TEST_CASE("a peer's connection drops what its socket does not take, and goes on") {
  LiveSystem live;
  auto [socket, other] = socket_pair();
  LiveEar ear(live);
  caf::actor connection =
      spawn_connection(live.actors,
                       {.direction = Direction::outgoing,
                        .address = "127.0.0.1:1",
                        .hello = from_node,
                        .owner = ear.actor,
                        .registry = {},
                        .opener = ear.actor,
                        .overflow = Overflow::drop,
                        .limits = {.unwritten_bytes_max = std::size_t{4} << 20}},
                       socket);
  greet(other);
  ear.hear<ConnectionReady>();

  // More than the limit and all that sockets buffer; the other side reads none of it so far.
  const wire::Frame frame = frame_of(1 << 20);
  constexpr std::size_t sent = 64;
  for (std::size_t i = 0; i < sent; ++i)
    send_from_outside(connection, frame);
  other.write(wire::CallReplies{.replies = {{.id = 77}}});
  CHECK(ear.hear<InboundReplies>().replies.replies.at(0).id == 77);

  std::size_t arrived = 0;
  caf::anon_send_exit(connection, caf::exit_reason::user_shutdown);
  while (other.read())
    ++arrived;
  CHECK(arrived > 0);
  CHECK(arrived < sent);
}

TEST_CASE("what was sent before the exit of a connection is written before it closes") {
  LiveSystem live;
  auto [socket, other] = socket_pair();
  caf::actor connection = spawn_connection(live.actors, {.hello = from_node}, socket);
  greet(other);

  for (int i = 0; i < 20; ++i)
    send_from_outside(connection, frame_of(1 << 18));
  caf::anon_send_exit(connection, caf::exit_reason::user_shutdown);

  int arrived = 0;
  while (other.read())
    ++arrived;
  CHECK(arrived == 20);
}

TEST_CASE("someone who neither reads nor closes does not keep a node from ending") {
  std::optional<RawClient> client;
  {
    LiveSystem live;
    FakeNode node(live, answer_all());
    client.emplace(node.address());
    greet(*client);
    client->write(one_call("peer1", 1));
    REQUIRE(client->read());

    node.stop();
  }
  CHECK(client->is_closed());
}

TEST_CASE("an address is free again when its acceptor is gone") {
  LiveSystem live;
  FakeNode node(live, answer_all());
  RawClient client(node.address());
  greet(client);
  const std::string address = node.address();

  node.stop();
  FakeNode again(live, answer_all(), address);

  RawClient next(again.address());
  greet(next);
  check_works(next, 1);
}

TEST_CASE("what is wrong with an address to listen on is said") {
  auto taken = listen_on("127.0.0.1:0");
  REQUIRE(std::holds_alternative<Listening>(taken));
  const std::string address = std::get<Listening>(taken).address;
  const auto problem = [](const std::string& where) {
    auto listening = listen_on(where);
    return std::holds_alternative<std::string>(listening) ? std::get<std::string>(listening) : "";
  };

  CHECK(problem(address) == "cannot listen on " + address + ": Address already in use");
  CHECK(problem("4001") == "cannot listen on 4001: not of the form host:port");
  CHECK(problem("192.0.2.1:4001")
        == "cannot listen on 192.0.2.1:4001: Cannot assign requested address");
}
