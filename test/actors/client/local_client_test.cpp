#include "actors/client/client_actor.hpp"
#include "test/actors/node_cluster.hpp"
#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {
namespace {

using test::Cluster;
using test::command;
using test::Ear;
using test::eventually;
using test::StillSystem;

/// A client in the process of a node that is an ear, and whose peer "p" is another. Nobody could
/// dial their address.
struct LocalStage {
  explicit LocalStage(ClientOptions options = {}) {
    options.timeout = std::chrono::seconds(60);  // Time stands still here, but not for clients.
    client = still.actors->spawn<ClientActor>(
        options, shared, intake,
        LocalNode{.system = &*still.actors, .actor = node.actor, .address = "home:1"});
    intake->open(client);
    intake->put(UseCluster{{"far@far:1", "p@home:1"}});
    still.run();
  }
  LocalStage(const LocalStage&) = delete;
  LocalStage& operator=(const LocalStage&) = delete;
  ~LocalStage() {
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    still.run();
  }

  void start_peer() {
    auto registry = std::make_shared<Registry>();
    registry->by_name["p"] = peer.actor;
    send_from_outside(client, SharedRegistry(std::move(registry)));
    still.run();
  }

  void call(wire::CallKind kind = wire::CallKind::command,
            ReadLevel level = ReadLevel::linearizable) {
    auto operation = std::make_shared<Operation>(
        Operation::Scope::cluster,
        [this](wire::CallReply reply) { replies.push_back(std::move(reply)); });
    operation->kind = kind;
    operation->level = level;
    operation->payload = command("=x");
    operation->deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    if (!intake->put(operation))
      operation->abandon();
  }

  std::vector<wire::CallReply> replies{};
  StillSystem still{};
  Ear node{still};
  Ear peer{still};
  std::shared_ptr<ClientShared> shared = std::make_shared<ClientShared>(100, 1 << 20);
  std::shared_ptr<ClientIntake> intake = std::make_shared<ClientIntake>();
  caf::actor client{};
};

TEST_CASE("calls for the peer of the client's own node reach it as they are, all that waited") {
  LocalStage stage;
  stage.start_peer();

  for (int i = 0; i < 100; ++i)
    stage.call();
  stage.still.run();

  REQUIRE(stage.peer->calls.size() == 1);
  const InboundCalls& batch = stage.peer->calls.front();
  CHECK(batch.calls.calls.size() == 100);
  CHECK(batch.connection == stage.client);
  CHECK(batch.ticket != nullptr);

  wire::CallReplies replies;
  for (const wire::Call& call : batch.calls.calls)
    replies.replies.push_back(
        {.id = call.id, .refusal = Refusal::none, .detail = {}, .index = Index{7}, .value = {}});
  send_from_outside(stage.client, std::move(replies));
  stage.still.run();

  REQUIRE(stage.replies.size() == 100);
  CHECK(stage.replies.back().refusal == Refusal::none);
  CHECK(stage.shared->leader() == "p@home:1");
}

TEST_CASE("calls for a peer that does not run at the client's own node reach the node") {
  LocalStage stage;

  stage.call();
  stage.still.run();

  CHECK(stage.node->calls.size() == 1);
}

TEST_CASE("what the client's own node was asked and has not answered is bounded") {
  LocalStage stage({.calls_max = 5});
  stage.start_peer();

  for (int i = 0; i < 10; ++i)
    stage.call();
  stage.still.run();
  stage.call();
  stage.still.run();

  // The one beyond waits for another try.
  REQUIRE(stage.peer->calls.size() == 1);
  CHECK(stage.peer->calls.front().calls.calls.size() == 10);
  CHECK(stage.replies.empty());

  stage.peer->calls.clear();  // With its ticket.
  stage.still.pass(std::chrono::milliseconds(100));
  CHECK(stage.peer->calls.size() == 1);
}

TEST_CASE("sequential queries stay at home") {
  LocalStage stage;
  stage.start_peer();

  for (int i = 0; i < 3; ++i) {
    stage.call(wire::CallKind::query, ReadLevel::sequential);
    stage.still.run();
  }

  CHECK(stage.peer->calls.size() == 3);
}

TEST_CASE("a client ends with its node, and answers all who wait and all who come") {
  LocalStage stage;
  stage.start_peer();
  stage.call();
  stage.call(wire::CallKind::query);
  stage.still.run();

  send_from_outside(stage.node.actor, Stop{});
  stage.still.run();
  stage.call();

  REQUIRE(stage.replies.size() == 3);
  std::multiset<Refusal> refusals;
  for (const wire::CallReply& reply : stage.replies)
    refusals.insert(reply.refusal);
  CHECK(refusals
        == std::multiset<Refusal>{Refusal::stopping, Refusal::stopping, Refusal::unknown_outcome});
  stage.intake->end();  // Does not wait.
}

/// Writes one value after the other, so many at a time, until told to stop. Each answer names the
/// value before, so that the answers are a chain.
class Writers {
public:
  Writers(Client& client, std::size_t in_flight) : client_(client), under_way_(in_flight) {
    for (std::size_t i = 0; i < in_flight; ++i)
      write();
  }

  void stop() {
    ending_ = true;
    std::unique_lock lock(mutex_);
    CHECK(ended_.wait_for(lock, test::eventually_patience, [this] { return under_way_ == 0; }));
  }

  std::size_t acknowledged() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

  /// Whether what was acknowledged happened once, given what is there at the end.
  void check(const std::string& final_value) const {
    std::size_t without_successor = 0;
    for (const std::string& value : values_)
      if (!befores_.contains(value) && value != final_value)
        ++without_successor;
    CHECK(without_successor <= in_doubt_);
    CHECK(befores_seen_ == befores_.size());
  }

private:
  void write() {
    const std::string value = std::to_string(++last_);
    client_.write(command("=" + value), [this, value](const wire::CallReply& reply) {
      {
        const std::lock_guard lock(mutex_);
        if (reply.refusal == Refusal::none) {
          values_.insert(value);
          ++befores_seen_;
          befores_.insert(std::string(reply.value.text()));
        } else {
          ++in_doubt_;
        }
      }
      if (!ending_ && reply.refusal != Refusal::stopping)
        return write();
      const std::lock_guard lock(mutex_);
      --under_way_;
      ended_.notify_all();
    });
  }

  Client& client_;
  std::atomic<int> last_{0};
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_{};
  std::condition_variable ended_{};
  std::size_t under_way_;
  std::set<std::string> values_{};
  std::set<std::string> befores_{};
  std::size_t befores_seen_ = 0;
  std::size_t in_doubt_ = 0;
};

void lead(Cluster& cluster, std::size_t i) {
  CHECK(eventually([&] {
    const auto leader = cluster.leader();
    if (leader && *leader != i)
      (void)cluster.ask(*leader, wire::TransferLeadership{cluster.full_name(i)});
    return leader == i;
  }));
}

/// Three nodes that agree, and a client in the process of the first, which leads.
struct Home {
  Home() {
    cluster.found();
    lead(cluster, 0);
    client.emplace(*cluster.nodes[0]);
    client->use_cluster(cluster.members());
  }

  Cluster cluster{3};
  std::optional<Client> client{};
};

TEST_CASE("a client in a node's process writes and reads wherever the leader is") {
  Home home;
  Cluster& cluster = home.cluster;
  Client& client = *home.client;

  for (const std::size_t leader : {0UL, 1UL}) {
    lead(cluster, leader);
    CHECK(client.write(command("=" + std::to_string(leader))).get().refusal == Refusal::none);
    CHECK(client.read(Bytes::copy_of("?")).get().value.text() == std::to_string(leader));
    CHECK(client.read(Bytes::copy_of("?"), ReadLevel::sequential).get().value.text()
          == std::to_string(leader));
    CHECK(client.leader() == cluster.full_name(leader));
  }
  auto asked =
      client.request(cluster.addresses[0], {.id = 0, .peer = "a", .body = wire::AskLeader{}},
                     test::eventually_patience);
  CHECK(std::get<std::string>(asked.get().body) == cluster.full_name(1));
}

TEST_CASE("leadership that goes and comes back under load loses nothing and repeats nothing") {
  Home home;
  Cluster& cluster = home.cluster;
  Client& client = *home.client;
  Writers writers(client, 32);

  for (int i = 0; i < 3; ++i) {
    const std::size_t before = writers.acknowledged();
    CHECK(eventually([&] { return writers.acknowledged() > before + 100; }));
    lead(cluster, 1);
    const std::size_t away = writers.acknowledged();
    CHECK(eventually([&] { return writers.acknowledged() > away + 100; }));
    lead(cluster, 0);
  }
  writers.stop();

  writers.check(cluster.read());
}

TEST_CASE("a node that stops under load ends every call of the clients in its process") {
  Home home;
  Cluster& cluster = home.cluster;
  Client& client = *home.client;
  Writers writers(client, 64);
  CHECK(eventually([&] { return writers.acknowledged() > 100; }));

  cluster.nodes[0].reset();
  writers.stop();

  CHECK(client.write(command("=late")).get().refusal == Refusal::stopping);
  CHECK(eventually([&] { return cluster.leader().has_value(); }));
  writers.check(cluster.read());
}

TEST_CASE("a client of a node that has stopped answers at once") {
  Cluster cluster(1);
  cluster.nodes[0]->stop();

  Client client(*cluster.nodes[0]);

  CHECK(client.write(command("=x")).get().refusal == Refusal::stopping);
}

}  // namespace
}  // namespace troupe::actors
