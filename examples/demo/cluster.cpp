#include "examples/demo/cluster.hpp"

#include <stdexcept>

namespace demo {

using troupe::shell::NodeProcess;

Cluster::Cluster(const std::string& program, const std::string& directory) {
  std::vector<std::string> peers;
  for (const char* node : {"a", "b", "c"}) {
    nodes_.push_back(std::make_unique<NodeProcess>(std::vector<std::string>{program, "node"}, node,
                                                   troupe::shell::free_address(),
                                                   directory + "/" + std::string(node)));
    peers.push_back("peer" + std::to_string(nodes_.size()) + "@" + nodes_.back()->address());
  }
  operator_ = std::make_unique<troupe::shell::Operator>(std::move(peers));
}

void Cluster::start_nodes() {
  for (auto& node : nodes_)
    if (!node->running())
      node->start();
  for (auto& node : nodes_)
    operator_->wait_for_node(node->address(), [&] {
      if (!node->running())
        throw std::runtime_error("node " + node->name() + " ended; see its node.log");
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
  operator_->bootstrap("kv_store");
}

NodeProcess& Cluster::node_of(const std::string& peer) {
  for (auto& node : nodes_)
    if (node->address() == troupe::shell::address_of(peer))
      return *node;
  throw std::runtime_error("no such peer: " + peer);
}

std::string Cluster::leader(const std::string& except) {
  return operator_->leader(except);
}

void Cluster::wait_until_caught_up(const std::string& peer) {
  operator_->wait_until_caught_up(peer);
}

}  // namespace demo
