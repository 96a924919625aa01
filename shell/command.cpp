#include "shell/command.hpp"

#include "actors/runtime/address.hpp"
#include "core/assert.hpp"
#include "shell/suggestion.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::shell {

namespace {

using machine::Words;
using Parsed = std::variant<Command, Failure>;

/// Members of a configuration, options of a peer: far above any use, far below what a frame holds.
constexpr std::size_t list_size_max = 1000;

/// How long a voter may be silent before another takes its place, unless told.
constexpr Duration keep_after = std::chrono::seconds(30);

constexpr std::array<CommandHelp, 20> all_commands{{
    {"start_peer", "KIND NAME [OPTION=VALUE...]", "start a peer that replicates a KIND"},
    {"set_configuration", "PEER MEMBER...", "make a cluster, or change its voters"},
    {"add_member", "PEER MEMBER... [--learner|--standby]", "more voters, listeners or standbys",
     "--learner --standby"},
    {"remove_member", "PEER MEMBER...", "members no more"},
    {"promote", "PEER MEMBER...", "standbys become learners, learners become voters"},
    {"demote", "PEER MEMBER...", "voters become learners, learners become standbys"},
    {"keep_voters", "PEER COUNT [--after SECONDS]", "replace voters that are gone; 0: do not",
     "--after="},
    {"members", "PEER", "who votes, listens and stands by, as far as the peer knows"},
    {"leader", "PEER", "who leads, as far as the peer knows"},
    {"transfer", "PEER [MEMBER]", "have the leader hand over"},
    {"write", "PEER COMMAND...", "have a command replicated and applied", {}, true},
    {"read", "PEER [--lease|--sequential] QUERY...", "ask a question; the answer is not stale",
     "--linearizable --lease --sequential", true},
    {"status", "PEER", "role, leader, log and configuration"},
    {"get_entry", "PEER INDEX", "one entry of the peer's log"},
    {"snapshot", "PEER", "have the peer save its state, and shorten its log"},
    {"stop_peer", "PEER", "stop a peer; its log stays (short: stop)"},
    {"delete_peer", "PEER", "remove a stopped peer's log and snapshots for ever"},
    {"peers", "[HOST:PORT]", "the peers of a node, running or not"},
    {"help", "[COMMAND]", "this list, or one line of it"},
    {"exit", "", "leave the shell"},
}};

/// In the order of their values.
constexpr std::array<std::string_view, 3> all_read_levels{"--linearizable", "--lease",
                                                          "--sequential"};

std::string_view without_alias(std::string_view name) {
  if (name == "stop")
    return "stop_peer";
  return name == "quit" ? "exit" : name;
}

const CommandHelp* find(std::string_view name) {
  const auto it = std::find_if(all_commands.begin(), all_commands.end(),
                               [&](const CommandHelp& each) { return each.name == name; });
  return it == all_commands.end() ? nullptr : &*it;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stopped != end)
    return std::nullopt;
  return value;
}

Failure unknown(const std::string& word) {
  std::vector<std::string> names;
  for (const CommandHelp& command : all_commands)
    names.emplace_back(command.name);
  return {"unknown_command", word + did_you_mean(word, names)};
}

Failure not_a_peer(const std::string& word) {
  const std::size_t at = word.find('@');
  const std::string address = at == std::string::npos ? std::string() : word.substr(at + 1);
  if (actors::parse_address(address) && !is_address(address))
    return {"invalid", word.substr(0, at + 1) + actors::problem_of_address(address)};
  return {"invalid", word + " is not NAME or NAME@HOST:PORT"};
}

/// An option as it was given: "--after" and "30".
struct Option {
  std::string name{};
  std::string value{};  ///< Of one that takes a word.
};

/// What follows the name of the command: a peer and its own words, without the options.
struct Arguments {
  const CommandHelp& command;
  std::vector<Option> options{};
  Words all_words{};
  std::span<const std::string> words{};

  Failure usage_failure() const { return {"usage", usage(command)}; }
  bool holds(std::size_t least, std::size_t most) const {
    return words.size() >= least && words.size() <= most;
  }
};

/// Takes the options out of `words`. Nothing if one is unknown, or lacks its value.
std::optional<Arguments> sort(const CommandHelp& command, std::span<const std::string> words) {
  Arguments arguments{.command = command};
  const std::vector<std::string> known = options_of(command);
  bool options = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!options || !word.starts_with("--")) {
      arguments.all_words.push_back(word);
      // Behind the peer and the first of its words, all are the resource's.
      options = options && !(command.takes_words && arguments.all_words.size() > 1);
    } else if (word == "--") {
      options = false;
    } else if (std::ranges::find(known, word) != known.end()) {
      arguments.options.push_back({.name = word});
    } else if (std::ranges::find(known, word + '=') != known.end() && i + 1 < words.size()) {
      arguments.options.push_back({.name = word, .value = words[++i]});
    } else {
      return std::nullopt;
    }
  }
  // Each command takes one of its options at most.
  return arguments.options.size() > 1 ? std::nullopt : std::optional(std::move(arguments));
}

template <class Body>
Parsed parse_operation(const Arguments& arguments, Body body) {
  if (!arguments.holds(1, 1))
    return arguments.usage_failure();
  const std::optional<PeerName> peer = parse_peer(arguments.words[0]);
  if (!peer)
    return not_a_peer(arguments.words[0]);
  return Operate{*peer, {.id = 0, .peer = peer->name, .body = std::move(body)}};
}

Parsed parse_start_peer(const Arguments& arguments) {
  if (!arguments.holds(2, 2 + list_size_max))
    return arguments.usage_failure();
  const std::optional<PeerName> peer = parse_peer(arguments.words[1]);
  if (!peer)
    return not_a_peer(arguments.words[1]);

  wire::StartPeer start{.kind = arguments.words[0], .options = {}};
  for (const std::string& word : arguments.words.subspan(2)) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos)
      return arguments.usage_failure();
    start.options.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return Operate{*peer, {.id = 0, .peer = peer->name, .body = std::move(start)}};
}

/// `PEER MEMBER...`
Parsed parse_change(const Arguments& arguments, wire::Change change) {
  if (!arguments.holds(2, 1 + list_size_max))
    return arguments.usage_failure();
  std::vector<PeerName> peers;
  for (const std::string& word : arguments.words) {
    const std::optional<PeerName> peer = parse_peer(word);
    if (!peer)
      return not_a_peer(word);
    peers.push_back(*peer);
  }
  return ChangeConfiguration{peers.front(), change, {peers.begin() + 1, peers.end()}, {}};
}

Parsed parse_add_member(const Arguments& arguments) {
  const std::string rank = arguments.options.empty() ? std::string() : arguments.options[0].name;
  return parse_change(arguments, rank == "--learner"   ? wire::Change::add_learner
                                 : rank == "--standby" ? wire::Change::add_standby
                                                       : wire::Change::add_voter);
}

/// `PEER COUNT [--after SECONDS]`
Parsed parse_keep_voters(const Arguments& arguments) {
  const auto& words = arguments.words;
  if (words.size() != 2)
    return arguments.usage_failure();
  const std::optional<PeerName> peer = parse_peer(words[0]);
  if (!peer)
    return not_a_peer(words[0]);
  const auto count = number_of<std::uint32_t>(words[1]);
  const bool told = !arguments.options.empty();
  const auto seconds = told ? number_of<std::uint32_t>(arguments.options[0].value) : std::nullopt;
  if (!count || (told && (!seconds || *seconds == 0)))
    return arguments.usage_failure();
  VoterPolicy keep{.count = *count, .after = keep_after};
  if (seconds)
    keep.after = std::chrono::seconds(*seconds);
  return ChangeConfiguration{
      *peer, wire::Change::keep_voters, {}, *count == 0 ? VoterPolicy{} : keep};
}

Parsed parse_transfer(const Arguments& arguments) {
  if (!arguments.holds(1, 2))
    return arguments.usage_failure();
  TransferTo transfer;
  for (const std::string& word : arguments.words) {
    const std::optional<PeerName> peer = parse_peer(word);
    if (!peer)
      return not_a_peer(word);
    (&word == &arguments.words.front() ? transfer.peer : transfer.to.emplace()) = *peer;
  }
  return transfer;
}

Parsed parse_members(const Arguments& arguments) {
  if (!arguments.holds(1, 1))
    return arguments.usage_failure();
  const std::optional<PeerName> peer = parse_peer(arguments.words[0]);
  if (!peer)
    return not_a_peer(arguments.words[0]);
  return AskMembers{*peer};
}

Parsed parse_call(const Arguments& arguments, wire::CallKind kind) {
  if (!arguments.holds(2, SIZE_MAX))
    return arguments.usage_failure();
  const std::optional<PeerName> peer = parse_peer(arguments.words[0]);
  if (!peer)
    return not_a_peer(arguments.words[0]);
  return CallPeer{.peer = *peer,
                  .kind = kind,
                  .level = ReadLevel::linearizable,
                  .words = {arguments.words.begin() + 1, arguments.words.end()}};
}

/// `PEER [LEVEL] QUERY...`
Parsed parse_read(const Arguments& arguments) {
  Parsed parsed = parse_call(arguments, wire::CallKind::query);
  auto* command = std::get_if<Command>(&parsed);
  if (command != nullptr && !arguments.options.empty()) {
    const auto level = std::ranges::find(all_read_levels, arguments.options[0].name);
    std::get<CallPeer>(*command).level = static_cast<ReadLevel>(level - all_read_levels.begin());
  }
  return parsed;
}

Parsed parse_get_entry(const Arguments& arguments) {
  if (!arguments.holds(2, 2))
    return arguments.usage_failure();
  const std::optional<std::uint64_t> index = number_of<std::uint64_t>(arguments.words[1]);
  if (!index)
    return arguments.usage_failure();
  Arguments peer = arguments;
  peer.words = peer.words.first(1);
  return parse_operation(peer, wire::AskEntry{.index = {*index}});
}

Parsed parse_peers(const Arguments& arguments) {
  if (!arguments.holds(0, 1))
    return arguments.usage_failure();
  const std::string address = arguments.words.empty() ? std::string() : arguments.words[0];
  if (!address.empty() && !is_address(address))
    return Failure{"invalid", actors::problem_of_address(address)};
  return Operate{{.name = {}, .address = address}, {.id = 0, .peer = {}, .body = wire::AskPeers{}}};
}

Parsed parse_help(const Arguments& arguments) {
  if (!arguments.holds(0, 1))
    return arguments.usage_failure();
  if (arguments.words.empty())
    return Help{};
  const std::string name(without_alias(arguments.words[0]));
  if (find(name) == nullptr)
    return unknown(arguments.words[0]);
  return Help{name};
}

}  // namespace

bool is_address(std::string_view text) {
  return actors::problem_of_address(text).empty();
}

std::optional<PeerName> parse_peer(std::string_view text) {
  const bool is_full = text.find('@') != std::string_view::npos;
  // Whether a name is one does not depend on the address behind it.
  const std::optional<actors::FullName> peer =
      actors::parse_full_name(is_full ? std::string(text) : std::string(text) + "@localhost:1");
  if (!peer)
    return std::nullopt;
  return PeerName{.name = peer->name, .address = is_full ? peer->address : std::string()};
}

std::variant<Command, Failure> parse(const Words& words) {
  TROUPE_ASSERT(!words.empty());

  const CommandHelp* command = find(without_alias(words[0]));
  if (command == nullptr)
    return unknown(words[0]);

  std::optional<Arguments> sorted = sort(*command, std::span(words).subspan(1));
  if (!sorted)
    return Failure{"usage", usage(*command)};
  Arguments& arguments = *sorted;
  arguments.words = arguments.all_words;
  const std::string_view name = command->name;
  if (name == "start_peer")
    return parse_start_peer(arguments);
  if (name == "set_configuration")
    return parse_change(arguments, wire::Change::replace);
  if (name == "add_member")
    return parse_add_member(arguments);
  if (name == "remove_member")
    return parse_change(arguments, wire::Change::remove);
  if (name == "promote")
    return parse_change(arguments, wire::Change::promote);
  if (name == "demote")
    return parse_change(arguments, wire::Change::demote);
  if (name == "keep_voters")
    return parse_keep_voters(arguments);
  if (name == "members")
    return parse_members(arguments);
  if (name == "transfer")
    return parse_transfer(arguments);
  if (name == "leader")
    return parse_operation(arguments, wire::AskLeader{});
  if (name == "write")
    return parse_call(arguments, wire::CallKind::command);
  if (name == "read")
    return parse_read(arguments);
  if (name == "status")
    return parse_operation(arguments, wire::AskStatus{});
  if (name == "snapshot")
    return parse_operation(arguments, wire::TakeSnapshot{});
  if (name == "get_entry")
    return parse_get_entry(arguments);
  if (name == "stop_peer")
    return parse_operation(arguments, wire::StopPeer{});
  if (name == "delete_peer")
    return parse_operation(arguments, wire::DeletePeer{});
  if (name == "peers")
    return parse_peers(arguments);
  if (name == "help")
    return parse_help(arguments);
  TROUPE_ASSERT(name == "exit");
  if (!arguments.words.empty())
    return arguments.usage_failure();
  return Exit{};
}

std::span<const std::string_view> read_levels() {
  return all_read_levels;
}

std::vector<std::string> options_of(const CommandHelp& command) {
  std::vector<std::string> options;
  std::string_view rest = command.options;
  while (!rest.empty()) {
    const std::size_t size = std::min(rest.find(' '), rest.size());
    options.emplace_back(rest.substr(0, size));
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return options;
}

std::span<const CommandHelp> commands() {
  return all_commands;
}

std::string usage(const CommandHelp& command) {
  std::string text(command.name);
  if (!command.arguments.empty())
    text.append(" ").append(command.arguments);
  return text;
}

}  // namespace troupe::shell
