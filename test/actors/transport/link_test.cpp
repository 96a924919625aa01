#include "actors/transport/link.hpp"

#include "test/actors/raw_client.hpp"
#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::actors::test;

namespace {

void say_nothing(Puppet&, const Puppet::Heard&) {}

/// A link that ends with its scope.
struct LiveLink {
  LiveLink(LiveSystem& live, const std::string& address, ConnectionLimits limits = {})
      : actor(live.actors.spawn<Link>(LinkOptions{
          .address = address, .hello = {}, .owner = {}, .registry = {}, .limits = limits})),
        address_(address) {}
  LiveLink(const LiveLink&) = delete;
  LiveLink& operator=(const LiveLink&) = delete;
  ~LiveLink() { end(actor); }

  void subscribe(const LiveEar& ear) { send_from_outside(actor, WantLink{address_, ear.actor}); }

  caf::actor actor;

private:
  std::string address_;
};

/// An address where connections are neither accepted nor refused.
class BlackHole {
public:
  BlackHole() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_.fd(), reinterpret_cast<sockaddr*>(&where), sizeof(where)) == 0);
    REQUIRE(::listen(listener_.fd(), 0) == 0);
    socklen_t size = sizeof(where);
    ::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&where), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(where.sin_port));
    // The kernel completes one connection for whoever will accept, and then ignores all others.
    const std::atomic<bool> cancelled{false};
    for (int i = 0; i < 8; ++i) {
      auto dialed = dial(address, 100ms, cancelled);
      if (std::holds_alternative<std::string>(dialed))
        return;
      taken_.push_back(std::get<Socket>(std::move(dialed)));
    }
    FAIL("the backlog has no end");
  }

  std::string address{};

private:
  Socket listener_;
  std::vector<Socket> taken_{};
};

}  // namespace

TEST_CASE("a subscriber hears of the connection, and one that comes later hears of it at once") {
  LiveSystem live;
  FakeNode node(live, say_nothing);
  LiveEar first(live), second(live);
  LiveLink link(live, node.address());

  link.subscribe(first);
  const auto up = first.hear<LinkUp>();
  link.subscribe(second);
  const auto also = second.hear<LinkUp>();

  CHECK(up.address == node.address());
  CHECK(up.connection == also.connection);
}

TEST_CASE("a link comes back when the node does, at the same address") {
  LiveSystem live;
  LiveEar ear(live);
  FakeNode node(live, say_nothing);
  LiveLink link(live, node.address());
  link.subscribe(ear);
  const auto before = ear.hear<LinkUp>();

  node.stop();
  CHECK(ear.hear<LinkDown>().address == node.address());
  FakeNode again(live, say_nothing, node.address());
  const auto after = ear.hear<LinkUp>();

  CHECK(before.connection != after.connection);
}

TEST_CASE("an attempt that fails is told once, and the link goes on trying") {
  LiveSystem live;
  const std::string address = free_address();
  LiveEar ear(live);
  LiveLink link(live, address);

  link.subscribe(ear);
  CHECK(ear.hear<LinkDown>().address == address);
  FakeNode node(live, say_nothing, address);

  CHECK(ear.hear<LinkUp>().address == address);
}

TEST_CASE("who subscribes to a link that is down hears so at once") {
  LiveSystem live;
  LiveEar first(live), second(live);
  const std::string address = free_address();
  LiveLink link(live, address);
  link.subscribe(first);
  first.hear<LinkDown>();

  link.subscribe(second);

  CHECK(second.hear<LinkDown>().address == address);
}

TEST_CASE("who asks again for a link that is down is told when that was in vain, too") {
  LiveSystem live;
  LiveEar ear(live);
  const std::string address = free_address();
  LiveLink link(live, address);
  link.subscribe(ear);
  ear.hear<LinkDown>();

  link.subscribe(ear);

  CHECK(ear.hear<LinkDown>().address == address);
}

TEST_CASE("a link that pauses dials at once when the node is heard") {
  LiveSystem live;
  const std::string address = free_address();
  LiveEar ear(live);
  caf::actor link = live.actors.spawn<Link>(LinkOptions{.address = address,
                                                        .hello = {},
                                                        .owner = {},
                                                        .registry = {},
                                                        .pause_min = 1h,
                                                        .pause_max = 1h});
  send_from_outside(link, WantLink{address, ear.actor});
  CHECK(ear.hear<LinkDown>().address == address);
  FakeNode node(live, say_nothing, address);

  send_from_outside(link, NodeHeard{address});

  CHECK(ear.hear<LinkUp>().address == address);
  end(link);
}

TEST_CASE("a node that accepts but never says hello is not up") {
  LiveSystem live;
  auto silent = listen_on("127.0.0.1:0");
  REQUIRE(std::holds_alternative<Listening>(silent));
  const std::string address = std::get<Listening>(silent).address;
  LiveEar ear(live);
  LiveLink link(live, address, {.hello_timeout = 30ms});

  link.subscribe(ear);

  CHECK(ear.hear<LinkDown>().address == address);
}

TEST_CASE("dialing who does not answer ends with the timeout") {
  const BlackHole hole;
  const std::atomic<bool> cancelled{false};

  const auto dialed = dial(hole.address, 50ms, cancelled);

  REQUIRE(std::holds_alternative<std::string>(dialed));
  CHECK(std::get<std::string>(dialed) == "Connection timed out");
}

TEST_CASE("a link that ends stops dialing") {
  const BlackHole hole;
  const auto before = std::chrono::steady_clock::now();
  {
    LiveSystem live;
    LiveEar ear(live);
    caf::actor link = live.actors.spawn<Link>(LinkOptions{
        .address = hole.address, .hello = {}, .owner = {}, .registry = {}, .dial_timeout = 60s});
    send_from_outside(link, WantLink{hole.address, ear.actor});
    end(link);
  }
  CHECK(std::chrono::steady_clock::now() - before < patience);
}

TEST_CASE("dialing names what is wrong") {
  const std::atomic<bool> cancelled{false};
  const auto problem = [&](const std::string& address) {
    auto dialed = dial(address, 1s, cancelled);
    return std::holds_alternative<std::string>(dialed) ? std::get<std::string>(dialed) : "none";
  };

  CHECK(problem("nonsense") == "not of the form host:port");
  CHECK(problem("127.0.0.1:0") == "not of the form host:port");
  CHECK(problem(free_address()) == "Connection refused");
}
