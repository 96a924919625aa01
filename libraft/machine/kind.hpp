#pragma once

#include "core/refusal.hpp"
#include "machine/resource.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::machine {

using Words = std::vector<std::string>;

/// How people write the commands of a kind, and read its replies: what a shell needs. The functions
/// are pure. Those that take bytes require bytes that are valid.
struct KindText {
  std::string help{};  ///< One line for each command and query: "set KEY VALUE   store a value".

  /// "set foo bar" to bytes; `Refusal::invalid` with a usage line as detail.
  Result<std::string> (*parse_command)(const Words&) = nullptr;
  Result<std::string> (*parse_query)(const Words&) = nullptr;
  /// Bytes to "set foo bar".
  std::string (*show_command)(View command) = nullptr;
  /// What the shell prints after "ok ": of a command or query and the value it was answered with.
  /// The shell quotes it if it would not read it back as it is.
  std::string (*show_reply)(View asked, std::string_view value) = nullptr;
  /// Whether what `show_reply` makes of `asked` is words that are quoted already, as by `joined`.
  /// The shell prints those as they are. A kind without this function shows none.
  bool (*shows_words)(View asked) = nullptr;
};

/// A kind of resource: what a peer needs to replicate it. A peer is started with a kind; all peers
/// of a cluster replicate the same one.
///
/// Bytes come from outside: `valid_…` are asked before a command may enter a log or a query reach a
/// resource, so they must accept only what `Resource` can read without a check of its own. Both are
/// pure.
struct Kind {
  std::string name{};  ///< As in `start_peer KIND NAME`: "kv_store".

  /// An empty resource. Called on any of a node's threads, once for each peer and each state that
  /// is loaded. May capture objects of the program that outlive the node.
  std::function<std::unique_ptr<Resource>()> make{};
  bool (*valid_command)(View) = nullptr;
  bool (*valid_query)(View) = nullptr;

  /// Programs do without. A shell then only starts peers of the kind.
  std::optional<KindText> text{};
};

/// The kinds that a program knows, by name.
using Kinds = std::map<std::string, Kind>;

/// `{a, b}` by their names.
Kinds kinds(std::vector<Kind> list);

}  // namespace troupe::machine
