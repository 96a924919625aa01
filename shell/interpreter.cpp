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

Time now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

Duration left_until(Time deadline) {
  return std::max(deadline - now(), Duration::zero());
}

/// The node speaks our protocol, and still did not say what was asked. Its fault, not the user's.
Failure not_an_answer() {
  return {"invalid", "the node's answer is not one to this request"};
}

constexpr std::string_view about_levels =
    "A read is --linearizable, unless told otherwise, or --lease: it sees all that was\n"
    "acknowledged before. A --sequential one asks the PEER alone, and sees at least what this\n"
    "shell has seen. Words of a QUERY that begin with -- stand behind a -- of its own.";

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

}  // namespace

Interpreter::Interpreter(InterpreterOptions options, Nodes nodes)
    : options_(std::move(options)), nodes_(std::move(nodes)) {
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
  const Time deadline =
      now() + (takes_long ? std::max(snapshot_timeout, options_.timeout) : options_.timeout);
  return reply_to(operate.request, operate.peer, ask(operate.peer, operate.request, deadline),
                  deadline);
}

Reply Interpreter::change_configuration(const ChangeConfiguration& change) {
  const Time deadline = now() + options_.timeout;
  wire::SetConfiguration set{.members = {}, .change = change.change, .keep = change.keep};
  for (const PeerName& member : change.members)
    set.members.push_back(as_member(member, change.peer));
  const wire::Request request{.id = 0, .peer = change.peer.name, .body = std::move(set)};
  return reply_to(request, change.peer, ask(change.peer, request, deadline), deadline);
}

Reply Interpreter::transfer(const TransferTo& transfer) {
  const Time deadline = now() + options_.timeout;
  const wire::Request request{
      .id = 0,
      .peer = transfer.peer.name,
      .body = wire::TransferLeadership{transfer.to ? as_member(*transfer.to, transfer.peer)
                                                   : std::string{}}};
  return reply_to(request, transfer.peer, ask(transfer.peer, request, deadline), deadline);
}

Reply Interpreter::members(const AskMembers& ask_members) {
  Reply reply = operate(
      {ask_members.peer, {.id = 0, .peer = ask_members.peer.name, .body = wire::AskStatus{}}});
  if (const auto* status = std::get_if<wire::PeerStatus>(&reply))
    return status->configuration;
  return reply;
}

/// A member as the node of `asked` is told of it: one without an address is the asked node's for
/// that node, and ours for us.
std::string Interpreter::as_member(const PeerName& member, const PeerName& asked) const {
  if (address_of(member) == address_of(asked) && member.address.empty())
    return member.name;
  return member.name + '@' + address_of(member);
}

Reply Interpreter::call(const CallPeer& call) {
  const Time deadline = now() + options_.timeout;
  const std::variant<std::string, Reply> kind_name = kind_of(call.peer, deadline);
  if (const auto* failure = std::get_if<Reply>(&kind_name))
    return *failure;
  const auto kind = options_.kinds.find(std::get<std::string>(kind_name));
  if (kind == options_.kinds.end())
    return Failure{"unknown_kind", std::get<std::string>(kind_name)};

  const bool is_command = call.kind == wire::CallKind::command;
  const Result<std::string> asked =
      is_command ? kind->second.parse_command(call.words) : kind->second.parse_query(call.words);
  if (!asked)
    return Failure{"usage", asked.detail()};
  if (asked->size() > payload_bytes_max)
    return Failure{"too_large", std::to_string(payload_bytes_max)};

  const Bytes payload =
      is_command ? wire::encode_command(machine::bytes(*asked)) : Bytes::copy_of(*asked);
  const wire::CallReply reply = nodes_.call(address_of(call.peer), call.peer.name, call.kind,
                                            payload, left_until(deadline), call.level);
  if (reply.refusal == Refusal::invalid || reply.refusal == Refusal::no_peer)
    kinds_by_peer_.erase({address_of(call.peer), call.peer.name});
  if (reply.refusal != Refusal::none)
    return refused(reply.refusal, reply.detail, address_of(call.peer));
  return Answer{kind->second.show_reply(machine::bytes(*asked), reply.value.text())};
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
    text += "\nA PEER or MEMBER is NAME@HOST:PORT, or NAME on " + options_.own_node + ".";
  if (help.command != "write")
    text += "\n" + std::string(about_levels);
  for (const auto& [name, kind] : options_.kinds)
    text += "\nCommands and queries of " + name + ":\n" + indented(kind.help);
  return Manual{text};
}

wire::Response Interpreter::ask(const PeerName& peer, wire::Request request, Time deadline) {
  return nodes_.request(address_of(peer), std::move(request), left_until(deadline));
}

Reply Interpreter::reply_to(const wire::Request& request, const PeerName& peer,
                            wire::Response response, Time deadline) {
  if (response.refusal != Refusal::none) {
    const auto* start = std::get_if<wire::StartPeer>(&request.body);
    const bool about_kind = start != nullptr && response.refusal == Refusal::unknown_kind;
    return refused(response.refusal, response.detail, about_kind ? start->kind : address_of(peer));
  }

  auto* name = std::get_if<std::string>(&response.body);
  if (std::holds_alternative<wire::StartPeer>(request.body) && name != nullptr)
    return Started{*name};
  const bool about_leader = std::holds_alternative<wire::AskLeader>(request.body)
                            || std::holds_alternative<wire::TransferLeadership>(request.body);
  if (about_leader && name != nullptr)
    return Leader{*name};
  if (std::holds_alternative<wire::StopPeer>(request.body))
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
    return reply_with_entry(peer, *entry, deadline);
  return not_an_answer();
}

Reply Interpreter::reply_with_entry(const PeerName& peer, const Entry& entry, Time deadline) {
  if (entry.kind != EntryKind::command)
    return shown(entry, nullptr);
  const std::variant<std::string, Reply> kind_name = kind_of(peer, deadline);
  if (const auto* failure = std::get_if<Reply>(&kind_name))
    return *failure;
  const auto kind = options_.kinds.find(std::get<std::string>(kind_name));
  return shown(entry, kind == options_.kinds.end() ? nullptr : &kind->second);
}

std::variant<std::string, Reply> Interpreter::kind_of(const PeerName& peer, Time deadline) {
  const auto key = std::pair(address_of(peer), peer.name);
  if (const auto it = kinds_by_peer_.find(key); it != kinds_by_peer_.end())
    return it->second;

  const wire::Response response =
      ask(peer, {.id = 0, .peer = peer.name, .body = wire::AskIdentity{}}, deadline);
  if (response.refusal != Refusal::none)
    return refused(response.refusal, response.detail, address_of(peer));
  const auto* identity = std::get_if<wire::Identity>(&response.body);
  if (identity == nullptr)
    return not_an_answer();
  kinds_by_peer_.emplace(key, identity->kind);
  return identity->kind;
}

const std::string& Interpreter::address_of(const PeerName& peer) const {
  return peer.address.empty() ? options_.own_node : peer.address;
}

}  // namespace troupe::shell
