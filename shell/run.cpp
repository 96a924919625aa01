#include "shell/run.hpp"

#include "actors/logger.hpp"
#include "shell/log_command.hpp"
#include "shell/node_command.hpp"
#include "shell/repair_command.hpp"
#include "shell/settings.hpp"
#include "shell/shell_command.hpp"
#include "shell/signals.hpp"
#include "storage/descriptors.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>

namespace troupe {

namespace {

constexpr int exit_usage = 2;

/// What the command line may say, and what it said.
struct CommandLine {
  explicit CommandLine(const std::string& program)
      : app("Replicated state on a few nodes", program) {
    app.set_version_flag("--version", program + " " TROUPE_VERSION);
    app.require_subcommand(1);
    add_options(*node, node_settings);
    add_options(*node, node_settings.join);
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

int perform(const CommandLine& line, machine::Kinds kinds) {
  if (line.node->parsed())
    return shell::run_node(line.node_settings, std::move(kinds));
  if (line.shell->parsed())
    return shell::run_shell(line.shell_settings, kinds);
  if (line.repair->parsed())
    return shell::run_repair(line.repair_settings);
  return shell::dump_log(line.log_settings, kinds);
}

}  // namespace

int run(int argc, char** argv, machine::Kinds kinds) try {
  storage::open_standard_descriptors();
  shell::ignore_stray_signals();
  const std::string program =
      argc > 0 ? std::filesystem::path(argv[0]).filename().string() : std::string("troupe");
  CommandLine line(program);
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& asked_or_wrong) {
    return line.app.exit(asked_or_wrong) == 0 ? EXIT_SUCCESS : exit_usage;
  }
  const std::string problem = line.problem();
  if (!problem.empty()) {
    actors::print_error(problem + "\nRun with --help for more information.");
    return exit_usage;
  }
  return perform(line, std::move(kinds));
} catch (const std::exception& failure) {
  // Of a library, while starting or stopping: nothing that a user did explains it.
  actors::print_error(std::string("error: ") + failure.what());
  return EXIT_FAILURE;
}

}  // namespace troupe
