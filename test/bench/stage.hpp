#pragma once

#include "actors/node/node.hpp"
#include "shell/node_process.hpp"
#include "shell/operator.hpp"
#include "test/bench/options.hpp"
#include "test/bench/usage.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// Nodes on loopback, in processes of their own or in ours, with one peer each, and a directory
/// that goes with them.
class Stage {
public:
  /// `arguments` are given to each node process.
  Stage(const Options& options, std::size_t nodes, std::vector<std::string> arguments = {});
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// A peer of the kind kv_store on each node, and one configuration of all. With `--client
  /// embedded` the one in our process leads.
  void bootstrap(troupe::shell::Operator::StartOptions options = {});

  /// With `--client embedded`: the peer in our process leads again, should another have taken over
  /// from a disk that stalled.
  void lead_from_inside();

  std::size_t size() const { return members_.size(); }
  /// Full names: "peer1@127.0.0.1:4001".
  const std::vector<std::string>& peers() const { return operator_->peers(); }
  troupe::shell::Operator& ask() { return *operator_; }
  /// Where the peer that leads is in `peers()`.
  std::size_t leader();

  void start(std::size_t member);
  /// In order.
  void stop(std::size_t member);
  /// SIGKILL. Not for a node in our process.
  void kill(std::size_t member);

  /// Summed over the nodes; with our own process if one of them lives in it.
  Usage usage() const;
  Usage usage_of_member(std::size_t member) const;
  /// Bytes of its files.
  std::uint64_t disk_bytes(std::size_t member) const;
  /// What a node process has logged since it was started first.
  std::string log_of_member(std::size_t member) const;
  const std::string& directory() const { return directory_; }
  bool shares_our_process() const;
  /// The first node that lives in our process; null if none does.
  const troupe::actors::Node* inside() const;

  /// For the way out, from any thread: kills the nodes of the stage that is there, and deletes what
  /// they wrote.
  static void clear_away();

private:
  struct Member {
    std::string name{};
    std::string address{};
    std::string directory{};
    std::unique_ptr<troupe::shell::NodeProcess> process{};  ///< Null for a node in our process...
    std::unique_ptr<troupe::actors::Node> inside{};         ///< ...which is this while it runs.
  };
  void add_member(std::size_t number, bool is_inside);
  void start_inside(Member& member) const;

  const Options& options_;
  std::vector<std::string> arguments_;
  std::string directory_;
  std::vector<Member> members_{};
  std::unique_ptr<troupe::shell::Operator> operator_{};
};

/// `troupe_bench node …`: what a node process runs. The arguments are those of `troupe node`, and
/// `--counters FILE --store lmdb|memory`.
int run_node_process(int argc, char** argv);

}  // namespace bench
