#pragma once

#include "core/refusal.hpp"
#include "shell/command.hpp"
#include "shell/leader_search.hpp"
#include "shell/nodes.hpp"
#include "shell/reply.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::shell {

struct AttemptOptions {
  /// "host:port" each. The first is the node of peers that are named without an address.
  std::vector<std::string> addresses{};
  /// How long a command may take, and be repeated.
  Duration timeout = std::chrono::seconds(3);
  /// If false, a command is sent once, to the node that it names.
  bool follow = true;
  /// Above zero: how long a command may wait for a node to answer, and for a leader.
  Duration wait{};
};

/// What came of one attempt at one peer.
struct Tried {
  Refusal refusal = Refusal::none;
  std::string detail{};
  Reply reply{};  ///< Of a refusal too: what people see of it.
};

/// Has commands attempted where they belong, until they are done, may have happened, or time is
/// over. Only what certainly did not happen is attempted again: after a redirect, at a node that
/// can't be reached, during an election. A command that was sent and not answered never is.
class Attempts {
public:
  /// Attempts a command at `at`, a peer with an address. Ends at `deadline`.
  using Try = std::function<Tried(const PeerName& at, Time deadline)>;
  enum class Kind {
    change,  ///< May have happened if it was not answered.
    query,   ///< Changes nothing, and any member answers it that knows a leader.
  };

  /// `nodes` must outlive this.
  Attempts(const Nodes& nodes, AttemptOptions options);

  /// A command about a node.
  Reply at_node(const PeerName& named, const Try& attempt);
  /// A command about one peer. A name without an address is that of a peer of the first node, or of
  /// the only known peer of that name.
  Reply at_peer(const PeerName& named, const Try& attempt);
  /// A command for the cluster of a peer.
  Reply at_cluster(const PeerName& named, Kind kind, const Try& attempt);

  /// The leader of the peer's cluster: as the peer says or, if it does not, as the others do.
  Reply leader(const PeerName& named, const Try& ask_peer);
  /// What the peer answers or, if it does not, `of_status` of another member's status.
  Reply members(const PeerName& named, const Try& ask_peer,
                const std::function<Reply(const wire::PeerStatus&)>& of_status);

private:
  class Patience;

  Tried repeated(const PeerName& at, Patience& patience, const Try& attempt);
  Reply ask_without_cluster(Route& route, Patience& patience, const Try& attempt);
  Time first_deadline(const Patience& patience) const;
  Route& route_to(const PeerName& named);

  const Nodes& nodes_;
  AttemptOptions options_;
  LeaderSearch search_;
  std::map<std::pair<std::string, std::string>, Route> routes_{};  ///< By names and addresses.
};

}  // namespace troupe::shell
