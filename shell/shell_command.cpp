#include "shell/shell_command.hpp"

#include "actors/client/client.hpp"
#include "shell/client_nodes.hpp"
#include "shell/editor.hpp"
#include "shell/input.hpp"
#include "shell/interpreter.hpp"
#include "shell/node_command.hpp"
#include "shell/settled.hpp"
#include "shell/signals.hpp"
#include "shell/words.hpp"

#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::shell {

namespace {

constexpr Duration vocabulary_timeout = std::chrono::milliseconds(300);

/// Ctrl-C, or the end of the process, skips what was not begun.
bool is_cut_short(const Signals& signals) {
  return signals.interrupted() || signals.stop_requested();
}

/// Executes lines and prints the replies.
class Conversation {
public:
  /// If not `keep_going`, the first command that fails is the last one.
  Conversation(InterpreterOptions options, const Nodes& nodes, bool json, bool keep_going,
               const Signals& signals)
      : interpreter_(std::move(options), nodes),
        json_(json),
        keep_going_(keep_going),
        signals_(signals) {}

  bool all_ok() const { return all_ok_; }
  bool ended() const { return ended_; }

  /// Executes the commands of all lines up to this one, unless a quote is open that the next line
  /// may close.
  void execute(const Line& line) {
    if (line.kind == Line::Kind::cancelled)
      return void(lines_.take());
    lines_.add(line.text);
    if (line.kind == Line::Kind::text)
      lines_.add("\n");
    const bool ends = line.kind == Line::Kind::end;
    if (line.kind == Line::Kind::part || lines_.is_open() != ends || is_cut_short(signals_))
      return;
    execute(lines_.take());
  }

  /// Whether the next line belongs to the last one.
  bool is_open() const { return lines_.is_open(); }

  void execute(const Result<std::vector<Words>>& commands) {
    if (!commands)
      return reply(refused(commands.refusal(), commands.detail(), {}));
    for (const Words& words : *commands) {
      if (ended_ || is_cut_short(signals_))
        return;
      execute(words);
    }
  }

private:
  void execute(const Words& words) {
    const std::variant<Command, Failure> parsed = parse(words);
    if (const auto* failure = std::get_if<Failure>(&parsed))
      return reply(*failure);
    const auto& command = std::get<Command>(parsed);
    if (std::holds_alternative<Exit>(command))
      ended_ = true;
    else
      reply(interpreter_.execute(command));
  }

  void reply(const Reply& reply) {
    all_ok_ = all_ok_ && is_ok(reply);
    ended_ = ended_ || (!keep_going_ && !all_ok_);
    std::cout << (json_ ? as_json(reply) : as_text(reply)) << std::endl;
    if (!std::cout) {  // Nobody reads any more.
      all_ok_ = false;
      ended_ = true;
    }
  }

  Interpreter interpreter_;
  Splitter lines_{};
  bool json_;
  bool keep_going_;
  const Signals& signals_;
  bool all_ok_ = true;
  bool ended_ = false;
};

/// The names of all peers that can be asked, as short as they may be.
Vocabulary vocabulary_of(const Nodes& nodes, const std::vector<std::string>& addresses,
                         const machine::Kinds& kinds) {
  Vocabulary vocabulary;
  for (const auto& [name, _] : kinds)
    vocabulary.kinds.push_back(name);
  for (const std::string& address : addresses) {
    const wire::Response response =
        nodes.request(address, {.id = 0, .peer = {}, .body = wire::AskPeers{}}, vocabulary_timeout);
    const auto* names = std::get_if<std::vector<std::string>>(&response.body);
    if (names == nullptr)
      continue;
    for (const std::string& name : *names)
      vocabulary.peers.push_back(address == addresses.front()
                                     ? name
                                     : full_name({.id = {}, .name = name, .address = address}));
  }
  return vocabulary;
}

void converse(Conversation& conversation, const std::function<Line()>& next_line) {
  while (!conversation.ended()) {
    const Line line = next_line();
    conversation.execute(line);
    if (line.kind == Line::Kind::end)
      return;
  }
}

/// A shell, when its node, if it has one, runs.
int run_on(const std::vector<std::string>& addresses, actors::Client& client,
           const ShellSettings& settings, const machine::Kinds& kinds, Signals& signals,
           const std::function<bool()>& may_go_on) {
  const Nodes nodes = nodes_through(client, signals);
  // Peers that a node of our own brought back may be looking for their leader.
  if (settings.connect.empty())
    wait_until_settled(nodes, addresses.front(), signals,
                       2 * settings.node.options.engine.election_timeout_max);
  const bool typed = settings.commands.empty() && isatty(STDIN_FILENO) != 0;
  Conversation conversation({.own_node = addresses.front(),
                             .other_nodes = {addresses.begin() + 1, addresses.end()},
                             .kinds = kinds,
                             .timeout = settings.timeout,
                             .follow = settings.follow,
                             .wait = settings.wait},
                            nodes, settings.json, typed || settings.keep_going, signals);

  if (!settings.commands.empty()) {
    for (const std::string& text : settings.commands)
      conversation.execute(split(text));
  } else if (typed) {
    const std::string& name = settings.node.options.name;
    Editor editor({.prompt = (name.empty() ? "troupe" : name) + "> ",
                   .history_file = history_file(),
                   .vocabulary = [&] { return vocabulary_of(nodes, addresses, kinds); },
                   .may_go_on = may_go_on},
                  signals);
    converse(conversation, [&] { return editor.next(conversation.is_open()); });
    return EXIT_SUCCESS;
  } else {
    LineReader reader(STDIN_FILENO, signals, may_go_on);
    converse(conversation, [&] { return reader.next(); });
  }
  // A signal ends the input early: not all that was asked for was done.
  return conversation.all_ok() && !is_cut_short(signals) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int run_shell(const ShellSettings& settings, const machine::Kinds& kinds) {
  // A shell with a node of its own ends when its input does.
  Signals signals(settings.connect.empty() ? Hangup::is_nothing : Hangup::ends);
  const actors::ClientOptions options{.timeout = settings.timeout};
  if (!settings.connect.empty()) {
    actors::Client client(options);
    return run_on(settings.connect, client, settings, kinds, signals, [] { return true; });
  }

  const std::unique_ptr<actors::Node> node = start_node(settings.node, kinds);
  if (node == nullptr)
    return EXIT_FAILURE;
  // Of the node's own process: what is advertised need not lead back here.
  actors::Client client(*node, options);
  const int code = run_on({node->address()}, client, settings, kinds, signals,
                          [&] { return node->failure().empty(); });
  signals.release();
  return stop_node(*node) ? code : EXIT_FAILURE;
}

}  // namespace troupe::shell
