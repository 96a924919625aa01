#include "actors/machine/messages.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/replies.hpp"
#include "actors/transport/messages.hpp"
#include "wire/command.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace troupe::actors {
namespace {

/// Entries that the resource was sent and has not applied yet. Beyond it commands are refused as
/// `busy`: a slow resource must not gather a log in its mailbox.
constexpr std::uint64_t apply_backlog_max = 262144;

/// How long a peer that has fallen behind may keep a sequential query. Well below the patience of
/// clients, who then ask another peer.
constexpr Duration hold_max = std::chrono::milliseconds(500);

/// Commands that are proposed in one turn, about. A thousand callers that are answered together
/// would call again together for ever, and of leader, followers and disks one would work at a time.
constexpr std::size_t turn_commands_max = 256;

/// Rounds to a quorum that reads may wait for at one time. Queries that come meanwhile gather for
/// the next one: a thousand clients with one query each would otherwise have as many rounds.
constexpr std::size_t read_rounds_max = 2;

/// An entry that stays keeps all of the frame that it is a slice of. A command that is less than
/// half of its part of the frame, were it divided evenly among the calls, is copied. So frames of
/// many commands alike are kept as they came, and a small one next to a large one is not what keeps
/// that, whatever becomes of it. Where the others are less than half of the frame together, since
/// most calls were refused, these are copied as well.
void leave_frame(std::vector<Bytes>& payloads, const InboundCalls& inbound) {
  const std::size_t part = inbound.frame_bytes / inbound.calls.calls.size();
  std::size_t kept_bytes = 0;
  for (const Bytes& payload : payloads)
    kept_bytes += payload.size() < part / 2 ? 0 : payload.size();
  for (Bytes& payload : payloads)
    if (payload.size() < part / 2 || kept_bytes < inbound.frame_bytes / 2)
      payload = Bytes::copy_of(payload.span());
}

bool is_sent_entries(const Configuration& configuration, PeerId peer) {
  return configuration.has_voter(peer)
         || std::ranges::find(configuration.learners, peer, &Member::id)
                != configuration.learners.end();
}

Index seen_of(ClusterId cluster, const std::vector<wire::Seen>& seen) {
  const auto found = std::ranges::find(seen, cluster, &wire::Seen::cluster);
  return found == seen.end() ? Index{} : found->index;
}

}  // namespace

void PeerActor::on_calls(InboundCalls& inbound) {
  if (inbound.calls.calls.empty())
    return;
  if (hands_over() && inbound.calls.level != ReadLevel::sequential) {
    // A client that is told of an election tries again after a pause, which is most of what a
    // handover costs it; the one whom it is to ask will be known sooner.
    waiting_calls_.push_back(std::move(inbound));
    return;
  }
  if (stopping_ && !stopping_->stays_until) {
    // Commands taken from here on would only add to what must be handed over.
    const std::string leader = leader_name();
    const bool known = !leader.empty() && engine_.leader() != record_.id;
    Replies replies;
    replies.refuse(inbound.connection, inbound.calls.calls,
                   known ? Refusal::redirect : Refusal::election_in_progress,
                   known ? leader : std::string{});
    send_all(this, replies);
    return;
  }
  if (inbound.calls.level == ReadLevel::sequential)
    return on_sequential_queries(inbound);
  begin_turn();
  if (inbound.calls.kind == wire::CallKind::command)
    on_commands(inbound);
  else
    on_queries(inbound);
}

/// Whether another is about to lead.
bool PeerActor::hands_over() const {
  const bool asked = handover_ || (stopping_ && stopping_->handing_over);
  return asked && (engine_.role() == Role::leader || engine_.leader() == nobody);
}

void PeerActor::answer_waiting_calls() {
  if (waiting_calls_.empty() || hands_over())
    return;
  for (InboundCalls& inbound : std::exchange(waiting_calls_, {}))
    on_calls(inbound);
}

std::string PeerActor::why_invalid(const std::optional<wire::CommandView>& command) const {
  if (!command)
    return "the command is not an envelope, which wire::encode_command makes";
  if (command->reserved)
    return "the command sets session, sequence or resource, which are reserved";
  return "not a command of a " + kind_.name;
}

/// All commands of a batch become entries at once, but for those that could never be applied: what
/// is in the log must make sense to every replica.
void PeerActor::on_commands(InboundCalls& inbound) {
  std::vector<Bytes> payloads;
  std::vector<std::uint64_t> ids;
  payloads.reserve(inbound.calls.calls.size());
  ids.reserve(inbound.calls.calls.size());
  Replies replies;
  for (wire::Call& call : inbound.calls.calls) {
    const auto command = wire::read_command(call.payload);
    if (!command || command->reserved || !kind_.valid_command(command->payload)) {
      replies.to(inbound.connection)
          .push_back({.id = call.id,
                      .refusal = Refusal::invalid,
                      .detail = why_invalid(command),
                      .index = {},
                      .value = {}});
    } else if (call.payload.size() > entry_bytes_max_) {
      replies.to(inbound.connection)
          .push_back({.id = call.id,
                      .refusal = Refusal::too_large,
                      .detail = std::to_string(entry_bytes_max_),
                      .index = {},
                      .value = {}});
    } else {
      payloads.push_back(std::move(call.payload));
      ids.push_back(call.id);
    }
  }
  send_all(this, replies);
  if (payloads.empty())
    return;
  leave_frame(payloads, inbound);
  turn_commands_ += payloads.size();
  propose(inbound, payloads, std::move(ids));
  if (turn_commands_ >= turn_commands_max)
    end_turn();
}

void PeerActor::propose(const InboundCalls& inbound, const std::vector<Bytes>& payloads,
                        std::vector<std::uint64_t> ids) {
  const bool backlog = dispatched_.value - applied_.value > apply_backlog_max;
  const Result<EntryId> first =
      backlog ? Result<EntryId>(Refusal::busy) : engine_.propose(payloads);
  if (first) {
    commands_.add(*first, inbound.connection, std::move(ids), inbound.ticket);
    return;
  }
  const Refusal refusal = first.refusal();
  const std::string detail = refusal == Refusal::redirect ? leader_name() : first.detail();
  Replies replies;
  auto& answers = replies.to(inbound.connection);
  for (const std::uint64_t id : ids)
    answers.push_back({.id = id, .refusal = refusal, .detail = detail, .index = {}, .value = {}});
  send_all(this, replies);
}

void PeerActor::on_queries(InboundCalls& inbound) {
  queries_.push_back(std::move(inbound));
}

bool PeerActor::may_start_reads() const {
  return !queries_.empty() && reads_.rounds() < read_rounds_max;
}

/// One read for all queries of a level that gathered.
void PeerActor::start_reads() {
  if (!may_start_reads())
    return;
  // The turn may have begun before they were asked; a lease that ended since must not seem to hold.
  engine_.step(Tick{now()});
  // In this order: a lease read that finds others waiting would wait with them.
  start_reads(ReadLevel::lease);
  start_reads(ReadLevel::linearizable);
  queries_.clear();
}

void PeerActor::start_reads(ReadLevel level) {
  const auto is_of_level = [level](const InboundCalls& each) { return each.calls.level == level; };
  if (std::ranges::none_of(queries_, is_of_level))
    return;
  const Result<ReadId> read = engine_.start_read(level);
  Replies replies;
  for (InboundCalls& inbound : queries_) {
    if (!is_of_level(inbound))
      continue;
    if (read)
      reads_.add(*read, std::move(inbound.connection), std::move(inbound.calls.calls),
                 std::move(inbound.ticket));
    else
      replies.refuse(inbound.connection, inbound.calls.calls, read.refusal(),
                     read.refusal() == Refusal::redirect ? leader_name() : read.detail());
  }
  send_all(this, replies);
}

/// The engine has no part in these (§6.4): any state will do that is not older than what the asker
/// has met. A peer that is not sent entries may stay for ever as it is, and serves none.
void PeerActor::on_sequential_queries(InboundCalls& inbound) {
  Replies replies;
  // Before it has applied what made its holes, the state may be none that ever was (§5.3).
  const Index seen = std::max(seen_of(engine_.cluster(), inbound.calls.seen), engine_.horizon());
  if (!is_sent_entries(engine_.configuration(), record_.id)) {
    const std::string leader = leader_elsewhere();
    replies.refuse(inbound.connection, inbound.calls.calls,
                   leader.empty() ? Refusal::election_in_progress : Refusal::redirect, leader);
  } else if (seen <= dispatched_) {
    Ask ask;
    append_queries(inbound.connection, std::move(inbound.calls.calls), std::move(inbound.ticket),
                   ask);
    ask_resource(std::move(ask));
  } else if (!held_.add(seen, now() + hold_max, inbound.connection, inbound.calls.calls,
                        inbound.ticket)) {
    replies.refuse(inbound.connection, inbound.calls.calls, Refusal::busy);
  } else {
    begin_turn();  // Its end arms the timer.
  }
  send_all(this, replies);
}

void PeerActor::refuse_late_reads() {
  Replies replies;
  held_.refuse_late(now(), replies);
  send_all(this, replies);
}

void PeerActor::on_applied(Applied& applied) {
  applied_ = applied.upto;
  if (!applied.releases.empty())
    begin_turn();
  engine_.step(Released{applied.from, applied.upto, std::move(applied.releases)});
  if (commands_.any_upto(applied.upto)) {
    Replies replies(engine_.cluster(), leader_elsewhere());
    commands_.answer(applied, leader_name(), replies);
    send_all(this, replies);
  }
  continue_stop();
}

void PeerActor::on_request(const InboundRequest& inbound) {
  if (const auto* wanted = std::get_if<wire::SetConfiguration>(&inbound.request.body))
    set_configuration(inbound.connection, inbound.request, *wanted);
  else if (const auto* transfer = std::get_if<wire::TransferLeadership>(&inbound.request.body))
    transfer_leadership(inbound.connection, inbound.request, *transfer);
  else if (std::holds_alternative<wire::TakeSnapshot>(inbound.request.body))
    take_snapshot(inbound.connection, inbound.request);
  else
    respond(this, inbound.connection, answer(inbound.request));
}

wire::Response PeerActor::answer(const wire::Request& request) {
  wire::Response response{.id = request.id};
  if (std::holds_alternative<wire::AskLeader>(request.body)) {
    response.body = leader_name();
  } else if (std::holds_alternative<wire::AskStatus>(request.body)) {
    response.body = status();
  } else if (const auto* asked = std::get_if<wire::AskIdentity>(&request.body)) {
    on_expected(asked->expected);
    response.body = identity();
  } else if (const auto* ask = std::get_if<wire::AskEntry>(&request.body)) {
    const Log& log = engine_.log();
    if (ask->index < log.first() || ask->index > log.last().index)
      return refused(request.id, Refusal::not_found);
    response.body = log.at(ask->index);
  } else {
    return refused(request.id, Refusal::invalid, "not a request to a peer");
  }
  return response;
}

wire::Identity PeerActor::identity() const {
  const EngineView view = engine_.view();
  return {.id = record_.id,
          .kind = record_.kind,
          .running = true,
          .address = routes_.own_address(),
          .node = node_incarnation_,
          .cluster = view.hard_state.cluster,
          .term = view.hard_state.term,
          .last = view.last.index};
}

std::uint64_t PeerActor::lease_ms() const {
  const Time now_here = now();
  const std::optional<Time> until = engine_.lease_until();
  if (!until || *until <= now_here)
    return 0;
  const Duration left = *until == never ? stickiness_ : *until - now_here;
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

wire::PeerStatus PeerActor::status() const {
  const EngineView view = engine_.view();
  const Member* self = engine_.known_configuration().find(view.self);
  wire::PeerStatus status{
      .name = full_name(self != nullptr ? *self
                                        : Member{view.self, record_.name, routes_.own_address()}),
      .kind = record_.kind,
      .role = view.role,
      .leader = leader_name(),
      .term = view.hard_state.term,
      .commit = view.commit,
      .applied = applied_,
      .last = view.last,
      .configuration = engine_.known_configuration(),
      .configuration_index = view.configuration_index,
      .store_bytes = store_bytes_,
      .cluster = view.hard_state.cluster,
      .changing = view.changing,
      .lease_ms = lease_ms(),
      .read_rounds = view.read_rounds,
      .disk_stalls = view.disk_stalls,
      .disk_full = view.disk_full,
      .quiet = view.quiet,
      .set_back = view.hard_state.set_back};
  add_snapshots(view, status);
  return status;
}

/// The peer that a client should ask; empty while no leader is known.
std::string PeerActor::leader_name() const {
  const Member* leader = engine_.known_configuration().find(engine_.leader());
  return leader == nullptr ? std::string{} : full_name(*leader);
}

/// Likewise, but empty if it is us.
std::string PeerActor::leader_elsewhere() const {
  return engine_.role() == Role::leader ? std::string{} : leader_name();
}

}  // namespace troupe::actors
