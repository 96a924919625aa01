#include "actors/node/node.hpp"
#include "actors/runtime/caf.hpp"
#include "test/actors/node_cluster.hpp"

#include <doctest/doctest.h>

#include <memory>
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
  if (const auto* wrong = std::get_if<std::string>(&outcome))
    FAIL(*wrong);
  return std::get<std::unique_ptr<Node>>(std::move(outcome));
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
    Client client(*node);
    peer = "p@" + node->address();
    const auto ask_peer = [&](decltype(wire::Request::body) body) {
      return client
          .request(node->address(), {.peer = "p", .body = std::move(body)}, eventually_patience)
          .get()
          .refusal;
    };
    REQUIRE(ask_peer(wire::StartPeer{.kind = "register", .options = {}}) == Refusal::none);
    REQUIRE(ask_peer(wire::SetConfiguration{{peer}}) == Refusal::none);
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

TEST_CASE("a node in a system without the network says which module is missing") {
  caf::actor_system_config config;
  caf::actor_system bare(config);
  const Directory directory;

  const auto outcome = Node::start(bare, options_of("a", directory));

  REQUIRE(std::holds_alternative<std::string>(outcome));
  CHECK(std::get<std::string>(outcome).find("caf::io::middleman") != std::string::npos);
}

TEST_CASE("two nodes of one address or of one directory are refused") {
  OwnSystem own;
  const Directory directory;
  const auto node = started(own.actors, options_of("a", directory));
  NodeOptions same_address = options_of("b", directory);
  same_address.listen = node->address();

  const auto second = Node::start(own.actors, std::move(same_address));
  const auto twin = Node::start(own.actors, options_of("a", directory));

  REQUIRE(std::holds_alternative<std::string>(second));
  CHECK(std::get<std::string>(second).find(node->address()) != std::string::npos);
  REQUIRE(std::holds_alternative<std::string>(twin));
  CHECK(std::get<std::string>(twin).find("in use") != std::string::npos);
}

}  // namespace
}  // namespace troupe::actors::test
