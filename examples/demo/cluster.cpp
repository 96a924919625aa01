#include "examples/demo/cluster.hpp"

#include <stdexcept>
#include <thread>

namespace demo {
namespace {

using troupe::Refusal;
using troupe::wire::Request;
using troupe::wire::Response;

constexpr auto patience = std::chrono::seconds(20);
constexpr auto poll_interval = std::chrono::milliseconds(2);

std::string peer_name(const std::string& full) {
  return full.substr(0, full.find('@'));
}

template <class Condition>
void wait_for(const std::string& what, const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + patience; !condition();) {
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("waited too long for " + what);
    std::this_thread::sleep_for(poll_interval);
  }
}

void expect(const Response& response, const std::string& what) {
  if (response.refusal != Refusal::none)
    throw std::runtime_error(what + ": " + std::string(name(response.refusal)) + " "
                             + response.detail);
}

}  // namespace

Cluster::Cluster(const std::string& program, const std::string& directory) {
  for (const char* node : {"a", "b", "c"}) {
    nodes_.push_back(std::make_unique<NodeProcess>(program, node, free_address(),
                                                   directory + "/" + std::string(node)));
    peers_.push_back("peer" + std::to_string(nodes_.size()) + "@" + nodes_.back()->address());
  }
}

void Cluster::start_nodes() {
  for (auto& node : nodes_)
    if (!node->running())
      node->start();
  for (auto& node : nodes_)
    wait_for("node " + node->name(), [&] {
      if (!node->running())
        throw std::runtime_error("node " + node->name() + " ended; see its node.log");
      return client_
                 .request(node->address(), {.body = troupe::wire::AskPeers{}}, poll_interval * 50)
                 .get()
                 .refusal
             == Refusal::none;
    });
}

void Cluster::stop_nodes() {
  for (auto& node : nodes_)
    if (!node->stop())
      throw std::runtime_error("node " + node->name() + " did not stop");
}

void Cluster::kill_nodes() {
  for (auto& node : nodes_)
    node->kill();
}

void Cluster::bootstrap() {
  for (const std::string& peer : peers_)
    expect(ask(peer, {.body = troupe::wire::StartPeer{.kind = "kv_store", .options = {}}}),
           "start_peer " + peer);
  expect(ask(peers_.front(), {.body = troupe::wire::SetConfiguration{.members = peers_}}),
         "set_configuration");
}

NodeProcess& Cluster::node_of(const std::string& peer) {
  return *nodes_[position(peer)];
}

std::string Cluster::leader(const std::string& except) {
  std::string leader;
  wait_for("a leader", [&] {
    for (const std::string& peer : peers_) {
      if (peer == except || !node_of(peer).running())
        continue;
      const Response response = ask(peer, {.body = troupe::wire::AskLeader{}});
      const auto* name = std::get_if<std::string>(&response.body);
      if (name != nullptr && !name->empty() && *name != except) {
        leader = *name;
        return true;
      }
    }
    return false;
  });
  return leader;
}

void Cluster::wait_until_caught_up(const std::string& peer) {
  const auto status = [&](const std::string& of) {
    const Response response = ask(of, {.body = troupe::wire::AskStatus{}});
    const auto* found = std::get_if<troupe::wire::PeerStatus>(&response.body);
    return found != nullptr ? *found : troupe::wire::PeerStatus{};
  };
  const troupe::Index goal = status(leader()).commit;
  wait_for(peer + " to catch up", [&] { return status(peer).applied >= goal; });
}

Response Cluster::ask(const std::string& peer, Request request) {
  request.peer = peer_name(peer);
  return client_.request(node_of(peer).address(), std::move(request), std::chrono::seconds(3))
      .get();
}

std::size_t Cluster::position(const std::string& peer) const {
  for (std::size_t i = 0; i < peers_.size(); ++i)
    if (peers_[i] == peer)
      return i;
  throw std::runtime_error("no such peer: " + peer);
}

}  // namespace demo
