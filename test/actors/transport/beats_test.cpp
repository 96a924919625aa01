#include "actors/transport/connection.hpp"
#include "test/actors/raw_client.hpp"
#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::actors::test;

namespace {

const wire::Hello from_node{.node = "b", .address = "127.0.0.1:4002", .incarnation = 7};
const wire::Hello from_another{.node = "c", .address = "127.0.0.1:4003", .incarnation = 8};
constexpr Beats quick{.interval = 5ms, .missed_max = 3};
constexpr Beats patient{.interval = 1h, .missed_max = 3};

wire::Packet beat(std::uint64_t ended) {
  return wire::PeerMessages{.messages = {}, .ended = ended};
}

/// A node and all that it hears.
struct WatchingNode {
  explicit WatchingNode(const Beats& beats)
      : node(
          live, [heard = heard](Puppet&, Puppet::Heard message) { heard->put(std::move(message)); },
          "127.0.0.1:0", {}, beats) {}

  std::string next_in_doubt() { return next<NodeInDoubt>(); }
  std::string next_heard() { return next<NodeHeard>(); }

  /// The address that the next message names, which must be a `T`.
  template <class T>
  std::string next() {
    const auto message = heard->take();
    REQUIRE(message);
    REQUIRE(std::holds_alternative<T>(*message));
    return std::get<T>(*message).address;
  }

  LiveSystem live{};
  std::shared_ptr<Inbox<Puppet::Heard>> heard = std::make_shared<Inbox<Puppet::Heard>>();
  FakeNode node;
};

/// A connection that this node dialed, and its other end.
struct DialedNode {
  explicit DialedNode(const Beats& beats) {
    auto listening = listen_on("127.0.0.1:0");
    REQUIRE(std::holds_alternative<Listening>(listening));
    auto& listener = std::get<Listening>(listening);
    other.emplace(listener.address);
    pollfd waiting{.fd = listener.socket.fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&waiting, 1, 20000) == 1);
    auto accepted =
        std::make_shared<Socket>(::accept4(listener.socket.fd(), nullptr, nullptr, SOCK_NONBLOCK));
    REQUIRE(*accepted);
    auto registry = std::make_shared<Registry>();
    registry->ended = 4;
    connection = spawn_connection(live.actors,
                                  {.direction = Direction::outgoing,
                                   .address = "127.0.0.1:4002",
                                   .hello = from_another,
                                   .owner = owner.actor,
                                   .registry = registry,
                                   .opener = {},
                                   .overflow = Overflow::drop,
                                   .limits = {},
                                   .beats = beats},
                                  std::move(accepted));
    REQUIRE(other->read());  // The hello.
    other->write(from_node);
  }
  DialedNode(const DialedNode&) = delete;
  DialedNode& operator=(const DialedNode&) = delete;
  ~DialedNode() { end(connection); }

  std::uint64_t next_beat() {
    const auto packet = other->read();
    REQUIRE(packet);
    REQUIRE(std::holds_alternative<wire::PeerMessages>(*packet));
    CHECK(std::get<wire::PeerMessages>(*packet).messages.empty());
    return std::get<wire::PeerMessages>(*packet).ended;
  }

  LiveSystem live{};
  LiveEar owner{live};
  std::optional<RawClient> other{};
  caf::actor connection{};
};

}  // namespace

TEST_CASE("a node that is not heard is in doubt, once for each silence") {
  WatchingNode here(quick);
  RawClient there(here.node.address());
  there.write(from_node);
  there.write(beat(1));
  CHECK(here.next_heard() == from_node.address);

  CHECK(here.next_in_doubt() == from_node.address);
  there.write(beat(1));
  CHECK(here.next_in_doubt() == from_node.address);

  CHECK(here.heard->size() == 0);
}

TEST_CASE("a node is in doubt when a peer has ended there, behind what came before") {
  WatchingNode here(patient);
  auto registry = std::make_shared<Registry>();
  LiveEar peer(here.live);
  registry->by_id[{1}] = peer.actor;
  send_from_outside(here.node.acceptor(), SharedRegistry(registry));
  RawClient there(here.node.address());
  there.write(from_node);
  there.write(beat(3));
  CHECK(here.next_heard() == from_node.address);

  there.write(wire::PeerMessages{
      .messages = {
          {.cluster = {1}, .from = {9}, .to = {1}, .term = {1}, .body = VoteResponse{true}}}});
  there.write(beat(3));
  there.write(beat(4));

  CHECK(here.next_in_doubt() == from_node.address);
  CHECK(peer.inbox->size() == 1);
}

TEST_CASE("a node whose connection ends is in doubt; a client, or who came to ask, is not") {
  WatchingNode here(patient);
  {
    RawClient client(here.node.address());
    client.write(wire::Hello{});
    REQUIRE(client.read());
    RawClient asker(here.node.address());
    asker.write(from_node);
    REQUIRE(asker.read());
  }
  {
    RawClient there(here.node.address());
    there.write(from_another);
    there.write(beat(1));
    REQUIRE(there.read());
  }

  CHECK(here.next_heard() == from_another.address);
  CHECK(here.next_in_doubt() == from_another.address);
}

TEST_CASE("a node says that it is alive, and at once when one of its peers has ended") {
  DialedNode quickly(quick);
  CHECK(quickly.next_beat() == 5);
  CHECK(quickly.next_beat() == 5);

  DialedNode patiently(patient);
  CHECK(patiently.next_beat() == 5);
  auto registry = std::make_shared<Registry>();
  registry->ended = 5;
  send_from_outside(patiently.connection, SharedRegistry(registry));
  CHECK(patiently.next_beat() == 6);
}
