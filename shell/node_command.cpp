#include "shell/node_command.hpp"

#include "actors/logger.hpp"
#include "shell/signals.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <variant>

namespace troupe::shell {

namespace {

constexpr std::chrono::milliseconds look_up_interval{200};

}  // namespace

std::unique_ptr<actors::Node> start_node(const NodeSettings& settings, machine::Kinds kinds) {
  actors::set_log_level(
      actors::parse_log_level(settings.log_level).value_or(actors::LogLevel::info));
  actors::NodeOptions options = settings.options;
  options.kinds = std::move(kinds);
  std::variant<std::unique_ptr<actors::Node>, std::string> started =
      actors::Node::start(std::move(options));
  if (const auto* problem = std::get_if<std::string>(&started)) {
    std::cerr << "error: " << *problem << std::endl;
    return nullptr;
  }
  return std::get<std::unique_ptr<actors::Node>>(std::move(started));
}

bool stop_node(actors::Node& node) {
  node.stop();
  const std::string failure = node.failure();
  if (!failure.empty())
    std::cerr << "error: " << failure << std::endl;
  return failure.empty();
}

int run_node(const NodeSettings& settings, machine::Kinds kinds) {
  Signals signals;
  const std::unique_ptr<actors::Node> node = start_node(settings, std::move(kinds));
  if (node == nullptr)
    return EXIT_FAILURE;

  std::cout << "node " << settings.options.name << " listening on " << node->address() << std::endl;
  while (!signals.stop_requested() && !signals.take_interrupt() && node->failure().empty())
    signals.wait(look_up_interval);

  signals.release();
  return stop_node(*node) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace troupe::shell
