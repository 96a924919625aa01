#pragma once

#include "core/bytes.hpp"
#include "core/types.hpp"
#include "machine/kind.hpp"
#include "shell/command.hpp"
#include "shell/reply.hpp"
#include "wire/packet.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace troupe::shell {

/// How a shell reaches nodes: as any client does, over TCP. Each function ends within its timeout.
struct Nodes {
  std::function<wire::Response(std::string address, wire::Request request, Duration timeout)>
      request{};
  std::function<wire::CallReply(std::string address, std::string peer, wire::CallKind kind,
                                Bytes payload, Duration timeout, ReadLevel level)>
      call{};
};

struct InterpreterOptions {
  /// "host:port" of the node whose peers need no address.
  std::string own_node{};
  machine::Kinds kinds{};
  /// Every command ends within this.
  Duration timeout = std::chrono::seconds(3);
};

/// Executes commands, one after the other.
class Interpreter {
public:
  Interpreter(InterpreterOptions options, Nodes nodes);

  Reply execute(const Command& command);

private:
  Reply operate(const Operate& operate);
  Reply change_configuration(const ChangeConfiguration& change);
  Reply transfer(const TransferTo& transfer);
  Reply members(const AskMembers& ask_members);
  std::string as_member(const PeerName& member, const PeerName& asked) const;
  Reply call(const CallPeer& call);
  Reply help(const Help& help) const;

  wire::Response ask(const PeerName& peer, wire::Request request, Time deadline);
  Reply reply_to(const wire::Request& request, const PeerName& peer, wire::Response response,
                 Time deadline);
  Reply reply_with_entry(const PeerName& peer, const Entry& entry, Time deadline);
  /// The name of the peer's kind; asked once, since a peer keeps its kind for ever.
  std::variant<std::string, Reply> kind_of(const PeerName& peer, Time deadline);
  const std::string& address_of(const PeerName& peer) const;

  InterpreterOptions options_;
  Nodes nodes_;
  std::map<std::pair<std::string, std::string>, std::string> kinds_by_peer_{};
};

}  // namespace troupe::shell
