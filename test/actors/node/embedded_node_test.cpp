#include "actors/client/cluster_actor.hpp"
#include "actors/node/node.hpp"
#include "actors/runtime/caf.hpp"
#include "test/actors/node_cluster.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace troupe::actors::test {
namespace {

/// An actor system of a program.
struct OwnSystem {
  struct Config : caf::actor_system_config {
    Config() { configure(*this); }
  };
  Config config{};
  caf::actor_system actors{config};
};

NodeOptions options_of(const std::string& name, const Directory& directory) {
  NodeOptions options;
  options.name = name;
  options.listen = "127.0.0.1:0";
  options.directory = (directory.path / name).string();
  options.kinds = {{"register", register_kind()}};
  return options;
}

std::unique_ptr<Node> started(caf::actor_system& system, NodeOptions options) {
  auto outcome = Node::start(system, std::move(options));
  if (!outcome)
    FAIL(outcome.detail());
  return *std::move(outcome);
}

/// Starts a peer `p` on `node` and makes it a cluster. Returns its full name.
std::string bootstrap(const Node& node) {
  Client client(node);
  const auto ask_peer = [&](decltype(wire::Request::body) body) {
    return client
        .request(node.address(), {.peer = "p", .body = std::move(body)}, eventually_patience)
        .get()
        .refusal;
  };
  const std::string peer = "p@" + node.address();
  REQUIRE(ask_peer(wire::StartPeer{.kind = "register", .options = {}}) == Refusal::none);
  REQUIRE(ask_peer(wire::SetConfiguration{{peer}}) == Refusal::none);
  return peer;
}

/// An actor of the program: counts.
class Counting : public caf::event_based_actor {
public:
  explicit Counting(caf::actor_config& config) : caf::event_based_actor(config) {}
  caf::behavior make_behavior() override {
    return {[this](int by) { return sum_ += by; }};
  }

private:
  int sum_ = 0;
};

int ask(caf::actor_system& system, const caf::actor& counting, int by) {
  int sum = 0;
  caf::scoped_actor self(system);
  self->request(counting, eventually_patience, by)
      .receive([&](int answer) { sum = answer; }, [](const caf::error&) {});
  return sum;
}

TEST_CASE("three nodes live in a program's actor system, and stop without it") {
  OwnSystem own;
  const Directory directory;
  const caf::actor counting = own.actors.spawn<Counting>();
  std::vector<std::unique_ptr<Node>> nodes;
  for (const char* name : {"a", "b", "c"})
    nodes.push_back(started(own.actors, options_of(name, directory)));
  Client client(*nodes[0]);
  std::vector<std::string> members;
  for (const auto& node : nodes) {
    const std::string peer = "p" + std::to_string(members.size());
    const auto response =
        client
            .request(node->address(),
                     {.peer = peer, .body = wire::StartPeer{.kind = "register", .options = {}}},
                     eventually_patience)
            .get();
    REQUIRE(response.refusal == Refusal::none);
    members.push_back(peer + "@" + node->address());
  }
  const auto configured =
      client
          .request(nodes[0]->address(), {.peer = "p0", .body = wire::SetConfiguration{members}},
                   eventually_patience)
          .get();
  REQUIRE(configured.refusal == Refusal::none);
  client.use_cluster(members);

  CHECK(client.write(command("=1")).get().refusal == Refusal::none);
  CHECK(ask(own.actors, counting, 2) == 2);
  nodes.clear();
  CHECK(ask(own.actors, counting, 3) == 5);
  caf::anon_send_exit(counting, caf::exit_reason::user_shutdown);
}

TEST_CASE("a node of a program's system starts again where it stopped") {
  OwnSystem own;
  const Directory directory;
  std::string peer;
  {
    const auto node = started(own.actors, options_of("a", directory));
    peer = bootstrap(*node);
    Client client(*node);
    client.use_cluster({peer});
    REQUIRE(client.write(command("=kept")).get().refusal == Refusal::none);
  }
  NodeOptions again = options_of("a", directory);
  again.listen = peer.substr(peer.find('@') + 1);

  const auto node = started(own.actors, std::move(again));
  Client client(*node);
  client.use_cluster({peer});

  CHECK(client.read(Bytes::copy_of("?")).get().value.text() == "kept");
}

template <class Request>
std::variant<wire::CallReply, caf::error> outcome_of(caf::scoped_actor& self,
                                                     const ClusterActor& cluster,
                                                     const Request& request) {
  std::variant<wire::CallReply, caf::error> outcome;
  self->request(cluster, eventually_patience, request)
      .receive([&](const wire::CallReply& reply) { outcome = reply; },
               [&](const caf::error& error) { outcome = error; });
  return outcome;
}

TEST_CASE("a program's actor asks a cluster by typed requests, and a wrong message does no harm") {
  OwnSystem own;
  const Directory directory;
  const auto node = started(own.actors, options_of("a", directory));
  const std::string peer = bootstrap(*node);
  for (const ClusterActor& cluster :
       {spawn_cluster_actor(own.actors, {peer}), spawn_cluster_actor(own.actors, *node, {peer})}) {
    caf::scoped_actor self(own.actors);
    const auto ask_cluster = [&](const auto& request) {
      const auto outcome = outcome_of(self, cluster, request);
      REQUIRE(std::holds_alternative<wire::CallReply>(outcome));
      return std::get<wire::CallReply>(outcome);
    };
    bool is_refused = false;
    self->request(caf::actor_cast<caf::actor>(cluster), eventually_patience, std::string("hello"))
        .receive(
            [](const std::string&) {},
            [&](const caf::error& error) { is_refused = error == caf::sec::unexpected_message; });

    CHECK(is_refused);
    CHECK(ask_cluster(CommandRequest{Bytes::copy_of("=1")}).refusal == Refusal::none);
    CHECK(ask_cluster(CommandRequest{Bytes::copy_of("no")}).refusal == Refusal::resource);
    CHECK(ask_cluster(CommandRequest{Bytes::copy_of("nonsense")}).refusal == Refusal::invalid);
    CHECK(ask_cluster(QueryRequest{Bytes::copy_of("?")}).value.text() == "1");
    self->send_exit(cluster, caf::exit_reason::user_shutdown);
  }
}

TEST_CASE("calls through an actor that ends are answered") {
  OwnSystem own;
  const auto cluster = spawn_cluster_actor(own.actors, {"p@127.0.0.1:1"});
  caf::scoped_actor self(own.actors);
  auto command_reply =
      self->request(cluster, eventually_patience, CommandRequest{Bytes::copy_of("=1")});
  auto query_reply = self->request(cluster, eventually_patience, QueryRequest{Bytes::copy_of("?")});
  self->send_exit(cluster, caf::exit_reason::user_shutdown);

  Refusal of_command = Refusal::none;
  Refusal of_query = Refusal::none;
  command_reply.receive([&](const wire::CallReply& reply) { of_command = reply.refusal; },
                        [](const caf::error&) {});
  query_reply.receive([&](const wire::CallReply& reply) { of_query = reply.refusal; },
                      [](const caf::error&) {});

  CHECK(of_command == Refusal::unknown_outcome);
  CHECK(of_query == Refusal::stopping);
}

TEST_CASE("a program is told of its node's roles and configurations") {
  OwnSystem own;
  const Directory directory;
  std::mutex mutex;
  std::vector<News> told;
  NodeOptions options = options_of("a", directory);
  options.on_news = [&](const News& news) {
    const std::lock_guard lock(mutex);
    told.push_back(news);
  };
  const auto node = started(own.actors, std::move(options));
  const std::string peer = bootstrap(*node);

  const auto is_told = [&](const auto& wanted) {
    const std::lock_guard lock(mutex);
    return std::ranges::any_of(told, wanted);
  };
  CHECK(eventually([&] {
    return is_told([&](const News& news) {
      const auto* role = std::get_if<RoleNews>(&news);
      return role != nullptr && role->role == Role::leader && role->leader == peer;
    });
  }));
  CHECK(is_told([&](const News& news) {
    const auto* of = std::get_if<ConfigurationNews>(&news);
    return of != nullptr && of->peer == "p" && of->configuration.voters.size() == 1;
  }));
}

TEST_CASE("a node in a system without the network says which module is missing") {
  caf::actor_system_config config;
  caf::actor_system bare(config);
  const Directory directory;

  const auto outcome = Node::start(bare, options_of("a", directory));

  CHECK(outcome.refusal() == Refusal::invalid);
  CHECK(outcome.detail().find("caf::io::middleman") != std::string::npos);
}

TEST_CASE("two nodes of one address or of one directory are refused") {
  OwnSystem own;
  const Directory directory;
  const auto node = started(own.actors, options_of("a", directory));
  NodeOptions same_address = options_of("b", directory);
  same_address.listen = node->address();

  const auto second = Node::start(own.actors, std::move(same_address));
  const auto twin = Node::start(own.actors, options_of("a", directory));

  CHECK(second.detail().find(node->address()) != std::string::npos);
  CHECK(twin.detail().find("in use") != std::string::npos);
}

}  // namespace
}  // namespace troupe::actors::test
