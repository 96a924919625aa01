#pragma once

#include "actors/peer/news.hpp"
#include "core/options.hpp"
#include "core/refusal.hpp"
#include "machine/kind.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace caf {
class actor_system;
}

namespace troupe::actors {

inline constexpr std::size_t contacts_max = 64;

struct NodeOptions {
  std::string name{};    ///< What people call the process: "a".
  std::string listen{};  ///< "host:port". Port 0 takes a free one.
  /// Also listens where other machines can dial. Nobody has to say who they are: anyone who reaches
  /// the address can read, change and stop everything. `--insecure` on the command line.
  bool insecure = false;
  /// "host:port" that others dial, where that is not `listen`: behind a NAT, or in a container. It
  /// need not lead here from within this process. Empty: what is listened on.
  std::string advertise{};
  /// "host:port" of other nodes. A peer that finds no leader asks them for the members that it
  /// knows, which may live there by now: that is how a cluster elects whose nodes all moved. At
  /// most `contacts_max`.
  std::vector<std::string> contacts{};
  /// The name of a peer that does not start with the node, even if it ran when the node last
  /// stopped, but with `start_peer`, and with the options that it had. Until then it answers
  /// `AskIdentity` alone, so that it can be found out whether its directory is a copy of another
  /// node's: two peers of one identity must not vote.
  std::string held_peer{};
  std::string directory{};  ///< Where the peers' logs are kept. Created if missing.
  machine::Kinds kinds{};
  /// Timing and limits of every peer; `self` and `seed` are set for each.
  EngineOptions engine{};
  /// Opens the store instead of LMDB in `directory`, for a user who has one of their own.
  /// `directory` exists then, and holds the snapshots.
  std::function<storage::Outcome<std::unique_ptr<storage::Store>>()> open_store{};
  /// Clients that may be connected at a time; fewer if the process may not have so many files open.
  /// A source (an IPv4 address, or an IPv6 network of 64 bits) gets at most three quarters of them.
  std::size_t connections_max = 4096;
  /// Peers on this node, running or not. A further one is refused as `too_many_peers`.
  std::size_t peers_max = 1000;
  /// How long `stop` may take to hand over leadership.
  std::chrono::milliseconds stop_timeout{1000};
  /// Is told of roles, leaders, members and failures.
  OnNews on_news{};
};

class Client;
struct LocalNode;

/// A process's node: its peers, their store, its listening address and its links to other nodes.
/// Peers that ran when the node last stopped, by whatever means, run again.
class Node {
public:
  /// Opens the store, listens, starts the peers. The refusal is `invalid`, with a detail that says
  /// what is wrong with which option, file or address. Those of the descriptors 0, 1 and 2 that are
  /// closed are opened on /dev/null: no socket may have their numbers.
  ///
  /// The node brings a CAF system with threads of its own.
  static Result<std::unique_ptr<Node>> start(NodeOptions options);

  /// Likewise in a system of the program, which outlives the node: its actors run on the threads of
  /// `system`. Any number of nodes may share one, each with a directory and an address of its own.
  /// The system needs CAF's module `io`, and works best if `troupe::actors::configure` was called
  /// on its configuration.
  static Result<std::unique_ptr<Node>> start(caf::actor_system& system, NodeOptions options);

  /// Stops as `stop()`, if that was not called.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Where others reach it: what it advertises.
  const std::string& address() const;

  /// Where it listens: `options.listen` with the port that was taken.
  const std::string& listening() const;

  /// Hands over what it leads, answers all who wait, closes the store. Bounded by
  /// `stop_timeout` for each step. Idempotent. Blocks: not to be called by an actor of the system
  /// that the node lives in.
  void stop();

  /// Why the node cannot go on (its disk failed), or empty.
  std::string failure() const;

private:
  friend class Client;

  struct Parts;
  static std::variant<std::unique_ptr<Node>, std::string> try_to_start(caf::actor_system* system,
                                                                       NodeOptions options);
  LocalNode local() const;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace troupe::actors
