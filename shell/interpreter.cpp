#include "shell/interpreter.hpp"

#include "core/assert.hpp"
#include "shell/entry.hpp"
#include "wire/command.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::shell {

namespace {

/// A frame holds more than the payload, and nodes refuse far smaller ones with their own limit.
constexpr std::size_t payload_bytes_max = wire::frame_body_bytes_max / 2;

/// A large state takes its time; a node that is gone is noticed before.
constexpr Duration snapshot_timeout = std::chrono::minutes(10);

/// Peers whose kind is remembered. Beyond it, all are forgotten and asked again.
constexpr std::size_t kinds_max = 4096;

/// The node speaks our protocol, and still did not say what was asked. Its fault, not the user's.
Failure not_an_answer() {
  return {"invalid", "the node's answer is not one to this request"};
}

void sort_once(std::vector<std::string>& names) {
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
}

/// The members as the asked peer knows them, and as its leader does if that answered.
Members as_members(const wire::PeerStatus& status, const wire::PeerStatus* of_leader) {
  Members members{.configuration = status.configuration, .set_back = {}, .disk_lost = {}};
  for (const wire::PeerStatus* known : {&status, of_leader}) {
    if (known == nullptr)
      continue;
    if (known->set_back)
      members.set_back.push_back(known->name);
    for (const wire::FollowerStatus& follower : known->followers) {
      if (follower.set_back && !follower.name.empty())
        members.set_back.push_back(follower.name);
      if (follower.disk_lost && !follower.name.empty())
        members.disk_lost.push_back(follower.name);
    }
  }
  sort_once(members.set_back);
  sort_once(members.disk_lost);
  return members;
}

constexpr std::string_view about_levels =
    "A read is --linearizable, unless told otherwise, or --lease: it sees all that was\n"
    "acknowledged before. A --sequential one asks the PEER alone, and sees at least what this\n"
    "shell has seen. Options stand before the words of the QUERY; a -- of its own ends them.";

constexpr std::string_view about_routes =
    "start_peer, stop_peer, delete_peer and peers go to that node; status, get_entry, snapshot "
    "and\n"
    "sequential reads to that peer. All else goes to the leader of the peer's cluster, wherever "
    "it\n"
    "is.";

std::string help_of(const CommandHelp& command) {
  static constexpr std::size_t usage_width = 46;
  std::string line = usage(command);
  line.resize(std::max(line.size() + 2, usage_width), ' ');
  return line.append(command.summary);
}

std::string indented(const std::string& lines) {
  std::string result = "  ";
  for (const char c : lines)
    result.append(c == '\n' ? "\n  " : std::string(1, c));
  return result;
}

/// What may be wrong with words that the kind does not know.
std::string hint_of(const CallPeer& call) {
  const std::string& last = call.words.back();
  const bool is_level = std::ranges::find(read_levels(), last) != read_levels().end();
  return call.kind == wire::CallKind::query && is_level
             ? "; " + last + " stands before the words of the query"
             : std::string();
}

std::vector<std::string> all_nodes(const InterpreterOptions& options) {
  std::vector<std::string> addresses{options.own_node};
  addresses.insert(addresses.end(), options.other_nodes.begin(), options.other_nodes.end());
  return addresses;
}

/// A question that was not answered leaves nothing in doubt: no command was sent yet.
Refusal without_doubt(Refusal refusal) {
  return refusal == Refusal::timeout ? Refusal::unreachable : refusal;
}

/// Whether it is asked of a node, with all of its peers, rather than of one of them.
bool is_about_node(const wire::Request& request) {
  return std::holds_alternative<wire::StartPeer>(request.body)
         || std::holds_alternative<wire::StopPeer>(request.body)
         || std::holds_alternative<wire::DeletePeer>(request.body)
         || std::holds_alternative<wire::AskPeers>(request.body);
}

}  // namespace

Interpreter::Interpreter(InterpreterOptions options, Nodes nodes)
    : options_(std::move(options)),
      nodes_(std::move(nodes)),
      attempts_(nodes_, {.addresses = all_nodes(options_),
                         .timeout = options_.timeout,
                         .follow = options_.follow,
                         .wait = options_.wait}) {
  TROUPE_ASSERT(is_address(options_.own_node));
}

Reply Interpreter::execute(const Command& command) {
  if (const auto* each = std::get_if<Operate>(&command))
    return operate(*each);
  if (const auto* each = std::get_if<ChangeConfiguration>(&command))
    return change_configuration(*each);
  if (const auto* each = std::get_if<TransferTo>(&command))
    return transfer(*each);
  if (const auto* each = std::get_if<AskMembers>(&command))
    return members(*each);
  if (const auto* each = std::get_if<CallPeer>(&command))
    return call(*each);
  if (const auto* each = std::get_if<Help>(&command))
    return help(*each);
  TROUPE_ASSERT(std::holds_alternative<Exit>(command));
  return Done{};
}

Reply Interpreter::operate(const Operate& operate) {
  const bool takes_long = std::holds_alternative<wire::TakeSnapshot>(operate.request.body);
  const auto attempt = [&](const PeerName& at, Time deadline) {
    const Time late = nodes_.now() + snapshot_timeout;
    return try_request(at, operate.request, takes_long ? std::max(late, deadline) : deadline);
  };
  if (std::holds_alternative<wire::AskLeader>(operate.request.body))
    return attempts_.leader(operate.peer, attempt);
  return is_about_node(operate.request) ? attempts_.at_node(operate.peer, attempt)
                                        : attempts_.at_peer(operate.peer, attempt);
}

Reply Interpreter::change_configuration(const ChangeConfiguration& change) {
  return attempts_.at_cluster(
      change.peer, Attempts::Kind::change, [&](const PeerName& at, Time deadline) {
        wire::SetConfiguration set{.members = {}, .change = change.change, .keep = change.keep};
        for (const PeerName& member : change.members)
          set.members.push_back(as_member(member, at));
        return try_request(at, {.id = 0, .peer = at.name, .body = std::move(set)}, deadline);
      });
}

Reply Interpreter::transfer(const TransferTo& transfer) {
  return attempts_.at_cluster(
      transfer.peer, Attempts::Kind::change, [&](const PeerName& at, Time deadline) {
        const std::string to = transfer.to ? as_member(*transfer.to, at) : std::string();
        return try_request(at, {.id = 0, .peer = at.name, .body = wire::TransferLeadership{to}},
                           deadline);
      });
}

Reply Interpreter::members(const AskMembers& ask_members) {
  return attempts_.members(
      ask_members.peer,
      [&](const PeerName& at, Time deadline) {
        Tried tried =
            try_request(at, {.id = 0, .peer = at.name, .body = wire::AskStatus{}}, deadline);
        if (const auto* status = std::get_if<wire::PeerStatus>(&tried.reply))
          tried.reply = members_of(*status, deadline);
        return tried;
      },
      [](const wire::PeerStatus& status) { return as_members(status, nullptr); });
}

/// Of the disks of other peers only a leader knows whether they were set back or lost.
Members Interpreter::members_of(const wire::PeerStatus& status, Time deadline) {
  const auto leader = parse_peer(status.leader);
  if (!leader || status.role == Role::leader)
    return as_members(status, nullptr);
  const Tried tried =
      try_request(*leader, {.id = 0, .peer = leader->name, .body = wire::AskStatus{}}, deadline);
  return as_members(status, std::get_if<wire::PeerStatus>(&tried.reply));
}

/// A member as the node of `asked`, which has an address, is told of it: one without an address is
/// the asked node's for that node, and ours for us.
std::string Interpreter::as_member(const PeerName& member, const PeerName& asked) const {
  if (member.address.empty() && asked.address == options_.own_node)
    return member.name;
  return member.name + '@' + (member.address.empty() ? options_.own_node : member.address);
}

Reply Interpreter::call(const CallPeer& call) {
  const auto attempt = [&](const PeerName& at, Time deadline) {
    return try_call(call, at, deadline);
  };
  if (call.kind == wire::CallKind::command)
    return attempts_.at_cluster(call.peer, Attempts::Kind::change, attempt);
  if (call.level == ReadLevel::sequential)
    return attempts_.at_peer(call.peer, attempt);
  return attempts_.at_cluster(call.peer, Attempts::Kind::query, attempt);
}

Tried Interpreter::try_call(const CallPeer& call, const PeerName& at, Time deadline) {
  const std::variant<std::string, Tried> kind_name = kind_of(at, deadline);
  if (const auto* failure = std::get_if<Tried>(&kind_name))
    return *failure;
  const auto kind = options_.kinds.find(std::get<std::string>(kind_name));
  if (kind == options_.kinds.end())
    return {.reply = Failure{"unknown_kind", std::get<std::string>(kind_name)}};
  if (!kind->second.text)
    return {.reply = Failure{"usage", "commands of " + kind->first + " are for programs only"}};
  const machine::KindText& text = *kind->second.text;

  const bool is_command = call.kind == wire::CallKind::command;
  const Result<std::string> asked =
      is_command ? text.parse_command(call.words) : text.parse_query(call.words);
  if (!asked)
    return {.reply = Failure{"usage", asked.detail() + hint_of(call)}};
  if (asked->size() > payload_bytes_max)
    return {.reply = Failure{"too_large", std::to_string(payload_bytes_max)}};

  const Bytes payload =
      is_command ? wire::encode_command(machine::bytes(*asked)) : Bytes::copy_of(*asked);
  const wire::CallReply reply =
      nodes_.call(at.address, at.name, call.kind, payload, left_until(deadline), call.level);
  if (reply.refusal == Refusal::invalid || reply.refusal == Refusal::no_peer)
    kinds_by_peer_.erase({at.address, at.name});
  if (reply.refusal != Refusal::none)
    return {reply.refusal, reply.detail, refused(reply.refusal, reply.detail, at.address)};
  const machine::View question = machine::bytes(*asked);
  return {.reply = Answer{.shown = text.show_reply(question, reply.value.text()),
                          .is_words = text.shows_words != nullptr && text.shows_words(question)}};
}

Reply Interpreter::help(const Help& help) const {
  std::string text;
  for (const CommandHelp& command : commands()) {
    if (help.command.empty() || help.command == command.name)
      text += (text.empty() ? "" : "\n") + help_of(command);
  }
  const bool about_calls = help.command == "write" || help.command == "read";
  if (!help.command.empty() && !about_calls)
    return Manual{text};
  if (help.command.empty())
    text += "\nA PEER or MEMBER is NAME@HOST:PORT, or NAME on " + options_.own_node + "."
            + (options_.follow ? "\n" + std::string(about_routes) : std::string());
  if (help.command != "write")
    text += "\n" + std::string(about_levels);
  for (const auto& [name, kind] : options_.kinds)
    if (kind.text)
      text += "\nCommands and queries of " + name + ":\n" + indented(kind.text->help);
  return Manual{text};
}

Duration Interpreter::left_until(Time deadline) const {
  return std::max(deadline - nodes_.now(), Duration::zero());
}

wire::Response Interpreter::ask(const PeerName& at, wire::Request request, Time deadline) {
  return nodes_.request(at.address, std::move(request), left_until(deadline));
}

Tried Interpreter::try_request(const PeerName& at, wire::Request request, Time deadline) {
  wire::Response response = ask(at, request, deadline);
  Tried tried{response.refusal, response.detail, {}};
  tried.reply = reply_to(request, at, std::move(response), deadline);
  return tried;
}

Reply Interpreter::reply_to(const wire::Request& request, const PeerName& at,
                            wire::Response response, Time deadline) {
  if (response.refusal != Refusal::none) {
    const auto* start = std::get_if<wire::StartPeer>(&request.body);
    const bool about_kind = start != nullptr && response.refusal == Refusal::unknown_kind;
    return refused(response.refusal, response.detail, about_kind ? start->kind : at.address);
  }

  auto* name = std::get_if<std::string>(&response.body);
  if (std::holds_alternative<wire::StartPeer>(request.body) && name != nullptr)
    return Started{*name};
  const bool about_leader = std::holds_alternative<wire::AskLeader>(request.body)
                            || std::holds_alternative<wire::TransferLeadership>(request.body);
  if (about_leader && name != nullptr)
    return Leader{*name};
  if (std::holds_alternative<wire::StopPeer>(request.body)
      || std::holds_alternative<wire::DeletePeer>(request.body))
    return Done{};
  if (const auto* status = std::get_if<wire::PeerStatus>(&response.body))
    return *status;
  if (const auto* configuration = std::get_if<Configuration>(&response.body))
    return *configuration;
  if (const auto* taken = std::get_if<wire::TakenSnapshot>(&response.body))
    return *taken;
  if (const auto* names = std::get_if<std::vector<std::string>>(&response.body))
    return Peers{*names};
  if (const auto* entry = std::get_if<Entry>(&response.body))
    return reply_with_entry(at, *entry, deadline);
  return not_an_answer();
}

Reply Interpreter::reply_with_entry(const PeerName& at, const Entry& entry, Time deadline) {
  if (entry.kind != EntryKind::command)
    return shown(entry, nullptr);
  const std::variant<std::string, Tried> kind_name = kind_of(at, deadline);
  if (const auto* failure = std::get_if<Tried>(&kind_name))
    return failure->reply;
  const auto kind = options_.kinds.find(std::get<std::string>(kind_name));
  return shown(entry, kind == options_.kinds.end() ? nullptr : &kind->second);
}

std::variant<std::string, Tried> Interpreter::kind_of(const PeerName& at, Time deadline) {
  const auto key = std::pair(at.address, at.name);
  if (const auto it = kinds_by_peer_.find(key); it != kinds_by_peer_.end())
    return it->second;

  const wire::Response response =
      ask(at, {.id = 0, .peer = at.name, .body = wire::AskIdentity{}}, deadline);
  if (response.refusal != Refusal::none)
    return Tried{without_doubt(response.refusal), response.detail,
                 refused(response.refusal, response.detail, at.address)};
  const auto* identity = std::get_if<wire::Identity>(&response.body);
  if (identity == nullptr)
    return Tried{.reply = not_an_answer()};
  if (kinds_by_peer_.size() >= kinds_max)
    kinds_by_peer_.clear();
  kinds_by_peer_.emplace(key, identity->kind);
  return identity->kind;
}

}  // namespace troupe::shell
