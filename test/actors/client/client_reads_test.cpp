#include "actors/client/client.hpp"
#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::actors::test;

namespace {

constexpr ClusterId ours{77};
constexpr ClusterId theirs{5};

/// A peer of a cluster, as a client sees it. What it was told is kept; it answers with `index`.
struct Peer {
  explicit Peer(LiveSystem& live, ClusterId id = ours, const std::string& leader = {})
      : cluster(id), node(live, script(leader)) {}

  /// What of its cluster it was told has been seen, by the call that came next.
  Index heard_seen() {
    const auto calls = inbox->take();
    REQUIRE(calls);
    for (const wire::Seen& seen : calls->seen)
      if (seen.cluster == cluster)
        return seen.index;
    return {};
  }
  std::string name() const { return node.peer("p"); }

  ClusterId cluster;
  std::shared_ptr<std::atomic<std::uint64_t>> index =
      std::make_shared<std::atomic<std::uint64_t>>(1);
  std::shared_ptr<Inbox<wire::Calls>> inbox = std::make_shared<Inbox<wire::Calls>>();
  FakeNode node;

private:
  Puppet::Script script(const std::string& leader) {
    return on_calls([=, this](Puppet& self, InboundCalls inbound) {
      wire::CallReplies replies{.replies = {}, .cluster = cluster, .leader = leader};
      for (const wire::Call& call : inbound.calls.calls)
        replies.replies.push_back({.id = call.id, .index = {index->load()}, .value = call.payload});
      inbox->put(std::move(inbound.calls));
      actors::send(&self, inbound.connection, wire::encode(replies));
    });
  }
};

void read_ok(Client& client, ReadLevel level) {
  CHECK(get(client.read(bytes("q"), level)).refusal == Refusal::none);
}

}  // namespace

TEST_CASE("a read travels with its level") {
  LiveSystem live;
  Peer peer(live);
  Client client(live.actors);
  client.use_cluster({peer.name()});

  for (const ReadLevel level : {ReadLevel::linearizable, ReadLevel::lease, ReadLevel::sequential}) {
    read_ok(client, level);
    const auto calls = peer.inbox->take();
    REQUIRE(calls);
    CHECK(calls->kind == wire::CallKind::query);
    CHECK(calls->level == level);
  }
}

TEST_CASE("sequential reads go to all peers of a cluster, others to one") {
  LiveSystem live;
  Peer a(live);
  Peer b(live);
  Peer c(live);
  Client client(live.actors);
  client.use_cluster({a.name(), b.name(), c.name()});

  for (int i = 0; i < 6; ++i)
    read_ok(client, ReadLevel::sequential);
  CHECK(a.inbox->size() == 2);
  CHECK(b.inbox->size() == 2);
  CHECK(c.inbox->size() == 2);
  read_ok(client, ReadLevel::lease);
  read_ok(client, ReadLevel::linearizable);
  CHECK(a.inbox->size() == 4);
}

TEST_CASE("a sequential read tells the largest index that any answer of the cluster held") {
  LiveSystem live;
  Peer leader(live);
  Peer second(live);
  Peer stranger(live, theirs);
  Client client(live.actors);
  client.use_cluster({leader.name(), second.name()});
  *leader.index = 20;
  *stranger.index = 90;
  REQUIRE(get(client.write(bytes("c"))).index == Index{20});
  *leader.index = 12;  // Of another write, that came in between.
  REQUIRE(get(client.write(bytes("c"))).index == Index{12});
  REQUIRE(
      get(client.call(stranger.node.address(), "p", wire::CallKind::query, bytes("q"), 10s)).index
      == Index{90});
  leader.inbox->take();
  leader.inbox->take();

  read_ok(client, ReadLevel::sequential);
  read_ok(client, ReadLevel::sequential);

  CHECK(leader.heard_seen() == Index{20});
  CHECK(second.heard_seen() == Index{20});
}

TEST_CASE("a peer that is asked by name is told what was seen of its cluster, though it is new") {
  LiveSystem live;
  Peer leader(live);
  Peer follower(live);
  Client client(live.actors);
  *leader.index = 20;
  get(client.call(leader.node.address(), "p", wire::CallKind::command, bytes("c"), 10s));

  get(client.call(follower.node.address(), "p", wire::CallKind::query, bytes("q"), 10s,
                  ReadLevel::sequential));

  CHECK(follower.heard_seen() == Index{20});
}

TEST_CASE("whoever is answered may read at once, from any thread, and is told of nothing older") {
  LiveSystem live;
  Peer peer(live);
  Client client(live.actors);
  client.use_cluster({peer.name()});
  std::vector<std::jthread> threads;
  threads.reserve(4);
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const Index at{++*peer.index};
        const wire::CallReply reply = client.read(bytes("q"), ReadLevel::sequential).get();
        wrong += reply.refusal != Refusal::none || reply.index < at ? 1 : 0;
      }
    });
  threads.clear();

  CHECK(wrong == 0);
  const Index seen{peer.index->load()};
  while (peer.inbox->size() > 0)
    peer.inbox->take();
  read_ok(client, ReadLevel::sequential);
  read_ok(client, ReadLevel::sequential);
  CHECK(peer.heard_seen() == seen);
}

TEST_CASE("sequential reads go round a peer that is gone, that lags, or that is no member") {
  LiveSystem live;
  Peer good(live);
  FakeNode lagging(live, refuse_all(Refusal::timeout));
  FakeNode leaving(live, refuse_all(Refusal::redirect, "x@127.0.0.1:1"));
  const std::string gone = "p@" + free_address();
  Client client(live.actors);
  client.use_cluster({gone, lagging.peer("p"), leaving.peer("p"), good.name()});

  for (int i = 0; i < 20; ++i)
    read_ok(client, ReadLevel::sequential);

  CHECK(good.inbox->size() == 20);
}

TEST_CASE("sequential reads go round a peer that does not answer, which costs few of them time") {
  LiveSystem live;
  Peer good(live);
  auto asked = std::make_shared<std::atomic<int>>(0);
  FakeNode frozen(live, on_calls([asked](Puppet&, const InboundCalls&) { ++*asked; }));
  Client client(live.actors);
  client.use_cluster({frozen.peer("p"), good.name()});

  for (int i = 0; i < 50; ++i)
    read_ok(client, ReadLevel::sequential);

  CHECK(good.inbox->size() == 50);
  CHECK(*asked <= 2);
}

TEST_CASE("a client whose read a follower passed on asks the leader next time") {
  LiveSystem live;
  Peer leader(live);
  Peer follower(live, ours, leader.name());
  Client client(live.actors);
  client.use_cluster({follower.name()});

  read_ok(client, ReadLevel::lease);
  CHECK(client.leader().empty());
  read_ok(client, ReadLevel::lease);

  CHECK(follower.inbox->size() == 1);
  CHECK(leader.inbox->size() == 1);
  CHECK(client.leader() == leader.name());
}

TEST_CASE("where a sequential read is answered says nothing about who leads") {
  LiveSystem live;
  Peer a(live);
  Peer b(live);
  Client client(live.actors);
  client.use_cluster({a.name(), b.name()});

  read_ok(client, ReadLevel::sequential);
  read_ok(client, ReadLevel::sequential);

  CHECK(client.leader().empty());
}
