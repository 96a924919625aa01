#pragma once

#include "shell/node_process.hpp"
#include "shell/operator.hpp"

#include <memory>
#include <string>
#include <vector>

namespace demo {

/// Three nodes on loopback with one peer each: a@, b@ and c@ host peer1, peer2 and peer3.
class Cluster {
public:
  Cluster(const std::string& program, const std::string& directory);

  /// Starts every node that does not run, and waits until it answers.
  void start_nodes();
  /// SIGTERM to every node.
  void stop_nodes();
  /// Kills what is left. For the way out, from any thread.
  void kill_nodes();

  /// A peer on each node, and one configuration of all three.
  void bootstrap();

  /// Full names: "peer1@127.0.0.1:4001".
  const std::vector<std::string>& peers() const { return operator_->peers(); }
  troupe::shell::NodeProcess& node_of(const std::string& peer);

  /// The leader, as any peer but `except` tells; waits for one.
  std::string leader(const std::string& except = {});
  /// Waits until `peer` has applied all that the leader had committed when asked.
  void wait_until_caught_up(const std::string& peer);

private:
  std::vector<std::unique_ptr<troupe::shell::NodeProcess>> nodes_{};
  std::unique_ptr<troupe::shell::Operator> operator_{};
};

}  // namespace demo
