#pragma once

#include "core/types.hpp"
#include "machine/kind.hpp"
#include "shell/reply.hpp"
#include "wire/packet.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::shell {

/// A peer as people write it: "peer1@127.0.0.1:4001", or "peer1" on the shell's own node.
struct PeerName {
  std::string name{};
  std::string address{};  ///< Empty: the shell's own node.
  friend bool operator==(const PeerName&, const PeerName&) = default;
};

/// `nullopt` if `text` is not such a name.
std::optional<PeerName> parse_peer(std::string_view text);

/// Whether `text` is a "HOST:PORT" to dial.
bool is_address(std::string_view text);

/// A request of a node or of one of its peers, sent as it is.
struct Operate {
  PeerName peer{};  ///< Without a name: the node itself.
  wire::Request request{};
};
struct ChangeConfiguration {
  PeerName peer{};
  wire::Change change = wire::Change::replace;
  std::vector<PeerName> members{};
  VoterPolicy keep{};  ///< Of `keep_voters`.
};
struct TransferTo {
  PeerName peer{};
  std::optional<PeerName> to{};  ///< Nothing: the voter that is furthest.
};
struct AskMembers {
  PeerName peer{};
};
/// A command or query in the words of the peer's kind.
struct CallPeer {
  PeerName peer{};
  wire::CallKind kind = wire::CallKind::command;
  ReadLevel level = ReadLevel::linearizable;  ///< Of a query.
  machine::Words words{};
};
struct Help {
  std::string command{};  ///< Empty: all of them.
};
struct Exit {};

using Command =
    std::variant<Operate, ChangeConfiguration, TransferTo, AskMembers, CallPeer, Help, Exit>;

/// The words of a line: options, which begin with `--`, and others. An option stands anywhere
/// before the words of a COMMAND or QUERY, which are taken as they are; a `--` of its own ends the
/// options sooner. A word that looks like an option can so be said to every command.
///
/// What the words of a line ask for, or the failure to answer them with. Requires a word.
std::variant<Command, Failure> parse(const machine::Words& words);

/// What a command takes and does, for help, usage and completion.
struct CommandHelp {
  std::string_view name{};
  std::string_view arguments{};
  std::string_view summary{};
  std::string_view options{};  ///< Separated by blanks; `=` ends one that takes the next word.
  bool takes_words = false;    ///< Of a resource: all that follows the peer.
};

/// The options of a command: "--lease".
std::vector<std::string> options_of(const CommandHelp& command);

/// "--linearizable" and its like, in the order of `ReadLevel`.
std::span<const std::string_view> read_levels();

/// All commands, in the order in which a newcomer needs them.
std::span<const CommandHelp> commands();

/// "start_peer KIND NAME [OPTION=VALUE...]"
std::string usage(const CommandHelp& command);

}  // namespace troupe::shell
