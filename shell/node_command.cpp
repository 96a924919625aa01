#include "shell/node_command.hpp"

#include "actors/client/client.hpp"
#include "actors/node/join.hpp"
#include "actors/runtime/line_writer.hpp"
#include "actors/runtime/logger.hpp"
#include "shell/client_nodes.hpp"
#include "shell/rebuild.hpp"
#include "shell/signals.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace troupe::shell {

namespace {

constexpr std::chrono::milliseconds look_up_interval{200};

/// How often it is said how far a peer has caught up.
constexpr Duration say_interval = std::chrono::milliseconds(500);

using Clock = std::chrono::steady_clock;

/// Says what has not been said already, and not too often.
class Announcer {
public:
  explicit Announcer(std::string prefix) : prefix_(std::move(prefix)) {}

  void say(const std::string& text, Duration passed) {
    if (text == said_ || (said_at_ && passed - *said_at_ < say_interval))
      return;
    actors::print_line(prefix_ + text);
    said_ = text;
    said_at_ = passed;
  }

private:
  std::string prefix_;
  std::string said_{};
  std::optional<Duration> said_at_{};
};

std::string seconds(Duration duration) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f s", std::chrono::duration<double>(duration).count());
  return text;
}

/// Has the peer join, until it is a member or the process shall end. Returns why it never can be,
/// if so.
std::optional<actors::Join::Outcome> join(const actors::JoinSettings& settings,
                                          const actors::Node& node, Signals& signals) {
  // Of the node's own process: what is advertised need not lead back here.
  actors::Client client(node);
  actors::Join join(settings, node.address(), nodes_through(client, signals).request);
  Announcer announcer("joining " + settings.kind + " as " + settings.peer + ": ");
  const auto started = Clock::now();
  while (!signals.stop_requested() && !signals.interrupted() && node.failure().empty()) {
    const auto passed = std::chrono::duration_cast<Duration>(Clock::now() - started);
    const actors::Join::Outcome outcome = join.attempt(passed);
    if (signals.stop_requested() || signals.interrupted())
      return std::nullopt;
    if (outcome.kind == actors::Join::Outcome::Kind::done) {
      const auto took = std::chrono::duration_cast<Duration>(Clock::now() - started);
      actors::print_line(outcome.text + " in " + seconds(took));
      return std::nullopt;
    }
    if (outcome.kind == actors::Join::Outcome::Kind::failed)
      return outcome;
    announcer.say(outcome.text, passed);
    signals.wait(std::chrono::duration_cast<std::chrono::milliseconds>(outcome.pause));
  }
  return std::nullopt;
}

/// How a node ended.
struct Ended {
  int code = EXIT_SUCCESS;
  /// Its disk is an older copy, as this text says, and is to be set aside. The node has stopped.
  std::optional<std::string> old_disk{};
};

/// Runs the node until it ends. `signals` are released then, unless there is a disk to set aside.
Ended run_once(const NodeSettings& settings, machine::Kinds kinds, Signals& signals) {
  const std::unique_ptr<actors::Node> node = start_node(settings, std::move(kinds));
  if (node == nullptr)
    return {.code = EXIT_FAILURE, .old_disk = {}};
  const std::string& name =
      settings.options.name.empty() ? settings.join.peer : settings.options.name;
  actors::print_line("node " + name + " listening on " + node->listening()
                     + (node->address() != node->listening() ? ", advertised as " + node->address()
                                                             : std::string()));
  std::optional<actors::Join::Outcome> failed{};
  if (settings.join.wanted())
    failed = join(settings.join, *node, signals);
  if (failed && failed->old_disk && settings.join.rebuild && stop_node(*node))
    return {.code = EXIT_FAILURE, .old_disk = std::move(failed->text)};
  if (failed)
    actors::print_error("error: " + failed->text);
  while (!failed && !signals.stop_requested() && !signals.take_interrupt()
         && node->failure().empty())
    signals.wait(look_up_interval);

  signals.release();
  const bool stopped = stop_node(*node);
  return {.code = stopped && !failed ? EXIT_SUCCESS : EXIT_FAILURE, .old_disk = {}};
}

}  // namespace

std::unique_ptr<actors::Node> start_node(const NodeSettings& settings, machine::Kinds kinds) {
  actors::set_log_level(
      actors::parse_log_level(settings.log_level).value_or(actors::LogLevel::info));
  actors::NodeOptions options = settings.options;
  if (options.name.empty())
    options.name = settings.join.peer;  // A node for one peer needs no name of its own.
  options.kinds = std::move(kinds);
  options.contacts = settings.join.at;
  options.held_peer = settings.join.peer;  // `Join` starts it.
  auto started = actors::Node::start(std::move(options));
  if (!started) {
    actors::print_error("error: " + started.detail());
    return nullptr;
  }
  return *std::move(started);
}

bool stop_node(actors::Node& node) {
  node.stop();
  const std::string failure = node.failure();
  if (!failure.empty())
    actors::print_error("error: " + failure);
  return failure.empty();
}

int run_node(const NodeSettings& settings, machine::Kinds kinds) {
  Signals signals(Hangup::is_nothing);
  if (settings.join.rebuild && !set_aside_if_corrupt(settings.options.directory))
    return EXIT_FAILURE;
  Ended ended = run_once(settings, kinds, signals);
  if (ended.old_disk && set_aside_as_set_back(settings.options.directory, *ended.old_disk))
    ended = run_once(settings, std::move(kinds), signals);  // An empty disk is nobody's copy.
  return ended.code;
}

}  // namespace troupe::shell
