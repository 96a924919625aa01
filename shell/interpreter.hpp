#pragma once

#include "core/types.hpp"
#include "machine/kind.hpp"
#include "shell/attempts.hpp"
#include "shell/command.hpp"
#include "shell/nodes.hpp"
#include "shell/reply.hpp"
#include "wire/packet.hpp"

#include <map>
#include <string>
#include <utility>
#include <variant>

namespace troupe::shell {

struct InterpreterOptions {
  /// "host:port" of the node whose peers need no address.
  std::string own_node{};
  /// Further nodes to ask about peers, "host:port".
  std::vector<std::string> other_nodes{};
  machine::Kinds kinds{};
  /// Every command ends within this, unless it waits.
  Duration timeout = std::chrono::seconds(3);
  /// Commands for a cluster find its leader, and are repeated within the timeout as long as they
  /// certainly did not happen. Otherwise each is sent once, to the node of the peer that it names.
  bool follow = true;
  /// Above zero: for so long, commands wait for a node that can't be reached yet, and for a leader.
  Duration wait{};
};

/// Executes commands, one after the other.
///
/// A command is about a node (`start_peer`, `stop_peer`, `peers`), about one peer (`status`,
/// `get_entry`, `snapshot`, a sequential read), or about the cluster of a peer (all others). The
/// first go to that node and the second to that peer, whatever they answer. The last go to the
/// leader, wherever it is.
class Interpreter {
public:
  Interpreter(InterpreterOptions options, Nodes nodes);
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Reply execute(const Command& command);

private:
  Reply operate(const Operate& operate);
  Reply change_configuration(const ChangeConfiguration& change);
  Reply transfer(const TransferTo& transfer);
  Reply members(const AskMembers& ask_members);
  Members members_of(const wire::PeerStatus& status, Time deadline);
  std::string as_member(const PeerName& member, const PeerName& asked) const;
  Reply call(const CallPeer& call);
  Reply help(const Help& help) const;

  // Below, `at` is the peer that is asked. It has an address.
  Tried try_request(const PeerName& at, wire::Request request, Time deadline);
  Tried try_call(const CallPeer& call, const PeerName& at, Time deadline);
  wire::Response ask(const PeerName& at, wire::Request request, Time deadline);
  Reply reply_to(const wire::Request& request, const PeerName& at, wire::Response response,
                 Time deadline);
  Reply reply_with_entry(const PeerName& at, const Entry& entry, Time deadline);
  /// The name of the peer's kind; asked once, since a peer keeps its kind for ever.
  std::variant<std::string, Tried> kind_of(const PeerName& at, Time deadline);
  Duration left_until(Time deadline) const;

  InterpreterOptions options_;
  Nodes nodes_;
  Attempts attempts_;
  std::map<std::pair<std::string, std::string>, std::string> kinds_by_peer_{};
};

}  // namespace troupe::shell
