#pragma once

#include "actors/node/join.hpp"
#include "actors/node/node.hpp"
#include "core/types.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name.
class App;
}

namespace troupe::shell {

/// What the command line says about a node.
struct NodeSettings {
  actors::NodeOptions options{};
  actors::JoinSettings join{};  ///< Of `troupe node` only.
  std::string log_level = "info";
};

/// What the command line says about a shell.
struct ShellSettings {
  NodeSettings node{.options = {}, .log_level = "warning"};  ///< To host, unless `connect`.
  std::vector<std::string> connect{};   ///< "host:port"; names are peers of the first.
  std::vector<std::string> commands{};  ///< Instead of input.
  bool json = false;
  bool follow = true;       ///< Redirects, to the leader.
  bool keep_going = false;  ///< After a command that failed.
  Duration timeout = std::chrono::seconds(3);
  Duration wait{};  ///< For a node or a leader; 0: no longer than `timeout`, and not for nodes.
};

struct LogSettings {
  std::string directory{};
};

struct RepairSettings {
  std::string directory{};
  std::string peer{};
  bool yes = false;             ///< Don't ask.
  bool even_if_behind = false;  ///< Though another survivor knows more.
  bool json = false;
  Duration timeout = std::chrono::seconds(3);  ///< For the other members to answer.
};

void add_options(CLI::App& app, NodeSettings& settings);
void add_options(CLI::App& app, ShellSettings& settings);
void add_options(CLI::App& app, LogSettings& settings);
void add_options(CLI::App& app, RepairSettings& settings);
void add_options(CLI::App& app, actors::JoinSettings& settings);

/// What is wrong with settings that can each be right; empty if nothing is.
std::string problem(const NodeSettings& settings);
std::string problem(const ShellSettings& settings);

/// "3s", "150ms" or "150": a time of at least a millisecond and at most a day.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace troupe::shell
