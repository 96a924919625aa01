#pragma once

#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/refusal.hpp"
#include "wire/packet.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::shell {

/// It was done, and there is no more to say.
struct Done {};

/// The peer of this full name runs.
struct Started {
  std::string peer{};
};

/// The leader; empty if there is none.
struct Leader {
  std::string peer{};
};

/// What a command or query was answered with, as its kind shows it.
struct Answer {
  std::string shown{};
  /// Whether these are words that are quoted already, not a value.
  bool is_words = false;
};

struct Peers {
  std::vector<std::string> names{};
};

/// The members of a cluster, and those whose disks are known to be set back, or to be lost (full
/// names).
struct Members {
  Configuration configuration{};
  std::vector<std::string> set_back{};
  std::vector<std::string> disk_lost{};
};

/// A slot of a log.
struct ShownEntry {
  EntryId id{};
  EntryKind kind = EntryKind::noop;
  /// Decoded: a command as people write it, a configuration, or nothing of a no-op.
  std::variant<std::monostate, std::string, Configuration> payload{};
};

/// For people, in lines.
struct Manual {
  std::string text{};
};

/// The peer that was asked does not lead; empty if it knows no leader either.
struct Redirect {
  std::string leader{};
};

/// What was asked for was not done. The word is for programs, the detail for people.
struct Failure {
  std::string error{};
  std::string detail{};
};

/// The outcome of one command of the shell.
using Reply = std::variant<Done, Started, Leader, Answer, Peers, wire::PeerStatus, Configuration,
                           Members, wire::TakenSnapshot, ShownEntry, Manual, Redirect, Failure>;

/// Whether it was done. That nobody leads is an answer, and still not what was asked for.
bool is_ok(const Reply& reply);

/// A node's refusal as people see it. `subject` is what the refusal is about where it names
/// something and the node did not: an address, a kind.
Reply refused(Refusal refusal, const std::string& detail, const std::string& subject);

/// One line without its end, but for manuals: "ok foo bar", "error key_not_found". The value of an
/// answer stands there as the shell reads it back: `split` gives its words, which single blanks put
/// together. Words that are quoted already stand there as they are. Nothing in it controls a
/// terminal.
std::string as_text(const Reply& reply);
/// One JSON object on one line: {"ok":true,"value":"foo bar"}. See `on_one_line` for bytes.
std::string as_json(const Reply& reply);

/// "peer1@127.0.0.1:4001" of each, sorted: configurations are sorted by ids, which nobody sees.
std::vector<std::string> full_names(const std::vector<Member>& members);

/// The name of a kind of entry: "command".
std::string_view name(EntryKind kind);

}  // namespace troupe::shell
