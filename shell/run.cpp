#include "shell/run.hpp"

#include "actors/runtime/logger.hpp"
#include "machine/kind_problem.hpp"
#include "shell/log_command.hpp"
#include "shell/node_command.hpp"
#include "shell/repair_command.hpp"
#include "shell/settings.hpp"
#include "shell/shell_command.hpp"
#include "shell/signals.hpp"
#include "shell/suggestion.hpp"
#include "storage/descriptors.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr int exit_usage = 2;

/// What is quoted of a word that is not understood.
constexpr std::size_t quoted_bytes_max = 64;

using shell::did_you_mean;

/// What the command line may say, and what it said.
struct CommandLine {
  explicit CommandLine(const std::string& program)
      : app("Replicated state on a few nodes", program) {
    app.set_version_flag("--version", program + " " TROUPE_VERSION);
    app.require_subcommand(1);
    add_options(*node, node_settings);
    shell::add_options(*node, node_settings.join);
    add_options(*shell, shell_settings);
    log->require_subcommand(1);
    add_options(*dump, log_settings);
    repair->require_subcommand(1);
    add_options(*force, repair_settings);
  }

  /// What is wrong with what was said, beyond what the parser knows.
  std::string problem() const {
    if (node->parsed())
      return shell::problem(node_settings);
    return shell->parsed() ? shell::problem(shell_settings) : std::string();
  }

  CLI::App app;
  CLI::App* node = app.add_subcommand("node", "run a node, until a signal ends it");
  CLI::App* shell = app.add_subcommand("shell", "start, configure, ask and stop peers");
  CLI::App* log = app.add_subcommand("log", "look at what a node keeps on disk");
  CLI::App* dump = log->add_subcommand("dump", "print all peers and entries as JSON lines");
  CLI::App* repair = app.add_subcommand("repair", "when a majority of a cluster is lost for good");
  CLI::App* force = repair->add_subcommand(
      "force-configuration", "make a surviving peer a cluster of its own, with what its log holds");
  shell::NodeSettings node_settings{};
  shell::ShellSettings shell_settings{};
  shell::LogSettings log_settings{};
  shell::RepairSettings repair_settings{};
};

std::vector<std::string> names_below(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({}))
    names.push_back(command->get_name());
  return names;
}

/// The first word that should be a command and is none, if that is what is wrong: "nod is not a
/// command, did you mean node?".
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    const std::vector<std::string> names = names_below(*at);
    if (names.empty() || word.empty() || word.front() == '-')
      return "";
    if (std::ranges::find(names, word) == names.end())
      return word.substr(0, quoted_bytes_max) + " is not a command" + did_you_mean(word, names);
    at = at->get_subcommand(word);
  }
  return "";
}

/// Of options that there are not, what they may be slips of: "--lisen: did you mean --listen?".
std::string unknown_options(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty())
    at = at->get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::Option* option : at->get_options())
    names.push_back(option->get_name());
  std::string text;
  for (const std::string& word : app.remaining(true))
    if (const std::string better = shell::nearest(word, names); !better.empty())
      text += (text.empty() ? "" : "\n") + word + ": did you mean " + better + "?";
  return text;
}

int perform(const CommandLine& line, machine::Kinds kinds, const shell::HeldHangup& hangup) {
  if (line.node->parsed())
    return shell::run_node(line.node_settings, std::move(kinds));
  if (line.shell->parsed())
    return shell::run_shell(line.shell_settings, kinds);
  hangup.release();
  if (line.repair->parsed())
    return shell::run_repair(line.repair_settings);
  return shell::dump_log(line.log_settings, kinds);
}

}  // namespace

int run(int argc, char** argv, machine::Kinds kinds) try {
  const shell::HeldHangup hangup;
  shell::ignore_stray_signals();
  storage::open_standard_descriptors();
  const std::string program =
      argc > 0 ? std::filesystem::path(argv[0]).filename().string() : std::string("troupe");
  CommandLine line(program);
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (const std::string unknown = unknown_command(line.app, words); !unknown.empty()) {
    actors::print_error(unknown + "\nRun with --help for more information.");
    return exit_usage;
  }
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ExtrasError& unknown) {
    line.app.exit(unknown);
    if (const std::string better = unknown_options(line.app); !better.empty())
      actors::print_error(better);
    return exit_usage;
  } catch (const CLI::ParseError& asked_or_wrong) {
    return line.app.exit(asked_or_wrong) == 0 ? EXIT_SUCCESS : exit_usage;
  }
  const std::string problem = line.problem();
  if (!problem.empty()) {
    actors::print_error(problem + "\nRun with --help for more information.");
    return exit_usage;
  }
  if (const std::string wrong = machine::problem(kinds); !wrong.empty()) {
    actors::print_error("error: " + wrong);
    return EXIT_FAILURE;
  }
  return perform(line, std::move(kinds), hangup);
} catch (const std::exception& failure) {
  // Of a library, while starting or stopping: nothing that a user did explains it.
  actors::print_error(std::string("error: ") + failure.what());
  return EXIT_FAILURE;
}

}  // namespace troupe
