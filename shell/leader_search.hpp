#pragma once

#include "shell/command.hpp"
#include "shell/nodes.hpp"
#include "shell/reply.hpp"
#include "wire/packet.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::shell {

/// The way to the leader of one peer's cluster, as far as answers have told.
struct Route {
  PeerName peer{};  ///< The peer that people name. With its address, once `located`.
  bool located = false;
  std::vector<PeerName> members{};   ///< Of its cluster, all with addresses.
  std::optional<PeerName> target{};  ///< The peer to ask: it answered last, and was not lost since.
};

/// "peer1@127.0.0.1:4001" with its two parts; nothing if `text` is not a name with an address.
std::optional<PeerName> full_peer(std::string_view text);

/// The outcome of one round of questions.
struct Found {
  enum class What {
    leader,      ///< It answered as leader, and is the target of the route.
    member,      ///< Members answered, and none of them leads.
    no_cluster,  ///< The peer runs, and is in no cluster that anybody knows.
    no_peer,     ///< All nodes answered, and none of them knows the peer. Nothing to wait for.
    nobody,      ///< No member could be reached.
  };
  What what = What::nobody;
  wire::PeerStatus status{};  ///< Of the leader, of a member, or of the peer without a cluster.
  Reply failure{};            ///< The reply to a command that goes no further.
};

/// Finds the leader of a cluster by asking for the status of its members, which changes nothing and
/// may be repeated. The first peer to ask is the one that people named; its answer names the
/// others. If it does not answer, the peers of all nodes that the shell was given are asked which
/// of them are in a cluster with it: every live node is a way to every member.
class LeaderSearch {
public:
  /// `nodes` must outlive the search. `addresses` are "host:port"; the first is the node of peers
  /// that are named without an address.
  LeaderSearch(const Nodes& nodes, std::vector<std::string> addresses);

  /// One round of questions; ends soon after `deadline`. If `any_member` will do, the peer itself
  /// is as good as a leader as long as it names one.
  Found look(Route& route, Time deadline, bool any_member) const;

  /// Finds the node of a peer that is named without an address and that the first node does not
  /// answer for. Sets the address and `located` if exactly one peer of that name is known; fails if
  /// there are several.
  std::optional<Failure> locate(Route& route, Time deadline) const;

private:
  class Round;

  const Nodes& nodes_;
  std::vector<std::string> addresses_;
};

}  // namespace troupe::shell
