#include "actors/client/client_actor.hpp"

#include "actors/runtime/logger.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/random_number.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

struct Retry {
  std::uint64_t epoch = 0;
};
struct Sweep {
  std::uint64_t epoch = 0;
};

using std::chrono::milliseconds;

/// How late a timeout may be noticed.
constexpr Duration sweep_interval = milliseconds(20);
/// Between asking one peer and the next, while none of them leads: doubles up to the maximum.
constexpr Duration retry_pause_min = milliseconds(10);
constexpr Duration retry_pause_max = milliseconds(20);
/// A cluster's operation does not wait longer than this for one connection; a query not longer for
/// one answer. Above what an election takes, so that a busy leader is not left.
constexpr Duration patience = milliseconds(700);
constexpr std::uint8_t hops_max = 2;

/// Taken from callers in one turn: our node's peers share our thread.
constexpr std::size_t tasks_max = 4096;
/// How long a link is kept that nothing is asked over: to the leader, and to others.
constexpr std::chrono::seconds idle_max{10};
constexpr std::chrono::seconds idle_elsewhere_max{2};
constexpr std::chrono::seconds look_at_links_interval{1};

/// What is quoted of a text that is no peer's name.
constexpr std::size_t quoted_bytes_max = 64;

ClientTime time_now() {
  return std::chrono::steady_clock::now();
}

/// The peer is no help, for the time being; what was asked certainly did not happen.
bool another_may_help(Refusal refusal) {
  return refusal == Refusal::election_in_progress || refusal == Refusal::busy
         || refusal == Refusal::no_peer || refusal == Refusal::stopping;
}

/// What was asked may have happened: of a query, that is nothing.
bool in_doubt(Refusal refusal) {
  return refusal == Refusal::unknown_outcome || refusal == Refusal::timeout
         || refusal == Refusal::disk_failed;
}

}  // namespace

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Retry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Sweep)

namespace troupe::actors {

ClientActor::ClientActor(caf::actor_config& config, const ClientOptions& options,
                         std::shared_ptr<ClientShared> shared, std::shared_ptr<ClientIntake> intake,
                         LocalNode local)
    : IoActor(config),
      options_(options),
      shared_(std::move(shared)),
      intake_(std::move(intake)),
      local_(std::move(local)),
      // Beyond what may be unanswered: a call that timed out here may still wait there.
      backlog_(2 * options_.calls_max, 2 * options_.bytes_max + wire::frame_body_bytes_max),
      pause_(retry_pause_min),
      random_(random_number()) {
  options_.batch_bytes_max = std::min(options_.batch_bytes_max, wire::frame_body_bytes_max / 2);
}

caf::behavior ClientActor::make_behavior() {
  outlive_errors(this);
  if (local_.actor) {
    // Its system ends with the node: what is not answered by then never is.
    set_down_handler([this](const caf::down_msg&) { quit(); });
    monitor(local_.actor);
    actors::send(this, local_.actor, WantRegistry{caf::actor_cast<caf::actor>(this)});
  }
  return {
      [this](const Intake&) { on_intake(); },
      [this](InboundReplies& inbound) { on_replies(inbound.address, inbound.replies); },
      [this](InboundResponse& inbound) { on_response(inbound.address, inbound.response); },
      [this](wire::CallReplies& replies) { on_replies(local_.address, replies); },
      [this](wire::Response& response) { on_response(local_.address, response); },
      [this](const SharedRegistry& registry) { registry_ = registry; },
      [this](const Flush&) { on_flush(); },
      [this](const Sweep& sweep) { on_sweep(sweep.epoch); },
      [this](const Retry& retry) { on_retry(retry.epoch); },
      [this](const LinkUp& up) { on_link_up(up); },
      [this](const LinkDown& down) { on_link_down(down); },
  };
}

void ClientActor::on_exit() {
  for (auto& [address, target] : targets_)
    drop_link(target);
  targets_.clear();
  pausing_.clear();
  timers_.clear();
  registry_.reset();
  local_.actor = nullptr;
  // Answering lets callers call again, but we take no more.
  for (const ClientIntake::Task& task : intake_->close())
    if (const auto* operation = std::get_if<OperationPtr>(&task))
      (*operation)->abandon();
  for (auto& [id, operation] : std::exchange(operations_, {}))
    operation->abandon();
  intake_->leave();
}

void ClientActor::on_intake() {
  for (const ClientIntake::Task& task : intake_->take(tasks_max))
    if (const auto* operation = std::get_if<OperationPtr>(&task))
      on_submit(*operation);
    else
      on_use_cluster(std::get<UseCluster>(task));
}

void ClientActor::on_submit(const OperationPtr& operation) {
  if (operation->refused != Refusal::none)
    return operation->finish(operation->refused, std::move(operation->last_detail));
  const ClientTime now = time_now();
  operation->id = next_id_++;
  const bool cluster = operation->scope == Operation::Scope::cluster;
  const ClientTime due =
      cluster ? std::min(operation->deadline, now + patience) : operation->deadline;
  operation->timer = timers_.emplace_hint(timers_.end(), due, operation.get());
  operations_.emplace(operation->id, operation);
  arm_timer();
  if (cluster)
    ask_cluster(operation);
  else
    ask_node(operation, std::move(operation->address), std::move(operation->peer));
}

void ClientActor::on_use_cluster(const UseCluster& use) {
  std::vector<FullName> peers;
  no_cluster_ = use.peers.empty() ? "use_cluster was given no peer to ask" : "";
  for (const std::string& text : use.peers) {
    if (auto peer = parse_full_name(text)) {
      peers.push_back(*std::move(peer));
      continue;
    }
    const std::string quoted = text.substr(0, quoted_bytes_max);
    log(LogLevel::warning, "not_a_peer", {{"text", quoted}});
    if (no_cluster_.empty())
      no_cluster_ = "use_cluster was given '" + quoted + "', which is not NAME@HOST:PORT";
  }
  // A peer of our process is asked first.
  std::stable_partition(peers.begin(), peers.end(),
                        [this](const FullName& peer) { return peer.address == local_.address; });
  spread_ = ReadSpread(peers, local_.address);
  guess_ = LeaderGuess(std::move(peers));
  leader_ = {};
  shared_->set_leader({});
}

void ClientActor::ask_node(const OperationPtr& operation, std::string address, std::string peer) {
  Target& target = target_at(address);
  operation->address = std::move(address);
  operation->peer = std::move(peer);
  operation->state = Operation::State::waiting;
  operation->target = &target;
  ++target.operations;
  target.waiting.push_back(operation);
  if (target.is_local || target.connection)
    flush_later();
}

void ClientActor::ask_cluster(const OperationPtr& operation) {
  if (guess_.empty()) {
    close(*operation);
    return operation->finish(Refusal::invalid, no_cluster_);
  }
  const ClientTime now = time_now();
  const FullName peer = operation->is_sequential() ? spread_.next(now) : guess_.target();
  if (const auto at = targets_.find(peer.address);
      at != targets_.end() && at->second.paused_until > now)
    return wait_for_place(operation, at->second);
  ask_node(operation, peer.address, peer.name);
}

void ClientActor::retry(const OperationPtr& operation, Refusal refusal, std::string detail) {
  leave_target(*operation);
  operation->last_refusal = refusal;
  operation->last_detail = std::move(detail);
  // Another peer may well know enough; there is no election to wait for.
  if (operation->is_sequential() && operation->hops++ < hops_max) {
    spread_.end_run();
    return ask_cluster(operation);
  }
  operation->hops = 0;
  operation->state = Operation::State::pausing;
  pausing_.push_back(operation);
  if (retry_at_)
    return retry_later(time_now() + pause_);
  retry_later(time_now() + pause_);
  pause_ = std::min(pause_ * 2, retry_pause_max);
}

/// Its node has no place for us: until it is worth asking again, to call it is to keep it from
/// those who have one.
void ClientActor::wait_for_place(const OperationPtr& operation, const Target& target) {
  operation->last_refusal = Refusal::busy;
  operation->last_detail = target.address + ": " + target.turned_away;
  operation->state = Operation::State::pausing;
  pausing_.push_back(operation);
  retry_later(target.paused_until);
}

void ClientActor::retry_later(ClientTime at) {
  if (retry_at_ && *retry_at_ <= at)
    return;
  retry_at_ = at;
  ++retry_epoch_;
  send_after(this, std::chrono::ceil<std::chrono::microseconds>(at - time_now()), this,
             Retry{retry_epoch_});
}

void ClientActor::on_retry(std::uint64_t epoch) {
  if (epoch != retry_epoch_)
    return;
  retry_at_.reset();
  for (const OperationPtr& operation : std::exchange(pausing_, {}))
    if (operation->state == Operation::State::pausing)
      ask_cluster(operation);
}

/// The operation's peer was no help.
void ClientActor::move_on(const Operation& operation) {
  const FullName peer{.name = operation.peer, .address = operation.address};
  if (operation.is_sequential())
    spread_.failed(peer, time_now());
  else
    guess_.move_on(peer);
}

void ClientActor::on_replies(const std::string& address, wire::CallReplies& replies) {
  for (wire::CallReply& reply : replies.replies) {
    const OperationPtr operation = find(reply.id, address, false);
    if (!operation)
      continue;
    // First: the caller may read as soon as it is answered, and must not get an older state.
    remember(replies.cluster, reply.index);
    on_reply(operation, std::move(reply), replies.leader);
  }
}

void ClientActor::remember(ClusterId cluster, Index index) {
  if (cluster == ClusterId{} || index == Index{})
    return;
  if (!seen_.contains(cluster) && seen_.size() == wire::seen_max)
    seen_.erase(seen_.begin());
  seen_[cluster] = std::max(seen_[cluster], index);
}

void ClientActor::on_response(const std::string& address, wire::Response& response) {
  if (const OperationPtr operation = find(response.id, address, true)) {
    close(*operation);
    operation->finish(std::move(response));
  }
}

OperationPtr ClientActor::find(std::uint64_t id, const std::string& address,
                               bool is_request) const {
  const auto found = operations_.find(id);
  // Only the node that was asked may answer: ids are easy to guess.
  if (found == operations_.end() || found->second->state != Operation::State::sent
      || found->second->is_request() != is_request || found->second->address != address)
    return nullptr;
  return found->second;
}

/// `leader` is whom the answering peer follows, empty if it leads or knows nobody who does.
void ClientActor::on_reply(const OperationPtr& operation, wire::CallReply reply,
                           const std::string& leader) {
  if (operation->scope == Operation::Scope::cluster) {
    if (reply.refusal == Refusal::redirect)
      return on_redirect(operation, reply);
    if (another_may_help(reply.refusal)
        || (in_doubt(reply.refusal) && !operation->changes_something())) {
      // A busy leader is still the one to ask.
      if (reply.refusal != Refusal::busy)
        move_on(*operation);
      return retry(operation, reply.refusal, std::move(reply.detail));
    }
    if (reply.refusal == Refusal::none || reply.refusal == Refusal::resource)
      learn(*operation, leader);
    pause_ = retry_pause_min;
  }
  close(*operation);
  operation->finish(std::move(reply));
}

/// Of a cluster's operation that was answered.
void ClientActor::learn(const Operation& operation, const std::string& leader) {
  FullName peer{.name = operation.peer, .address = operation.address};
  if (operation.is_sequential())
    return spread_.answered(peer);
  if (!leader.empty()) {
    // A follower had to ask its leader: the next one goes there at once.
    if (std::optional<FullName> better = parse_full_name(leader))
      guess_.follow(*std::move(better));
    return;
  }
  if (leader_ == peer)
    return;
  leader_ = std::move(peer);
  shared_->set_leader(to_text(leader_));
}

void ClientActor::on_redirect(const OperationPtr& operation, const wire::CallReply& reply) {
  std::optional<FullName> leader = parse_full_name(reply.detail);
  if (!leader || operation->is_sequential()) {
    move_on(*operation);
    return retry(operation, Refusal::election_in_progress, {});
  }
  guess_.follow(*leader);
  // Two who take each other for the leader would have us run between them.
  if (operation->hops++ >= hops_max) {
    guess_.move_on(*leader);
    return retry(operation, Refusal::election_in_progress, {});
  }
  leave_target(*operation);
  ask_cluster(operation);
}

/// The connection to the operation's target broke, or could not be made. One that was turned away
/// has passed nothing on.
void ClientActor::on_lost(const OperationPtr& operation, const std::string& turned_away) {
  const bool sent = operation->state == Operation::State::sent && turned_away.empty();
  const bool cluster = operation->scope == Operation::Scope::cluster;
  if (cluster)
    move_on(*operation);
  if (sent && operation->changes_something()) {
    close(*operation);
    return operation->finish(Refusal::unknown_outcome);
  }
  const Refusal refusal = turned_away.empty() ? Refusal::unreachable : Refusal::busy;
  std::string detail =
      turned_away.empty() ? operation->address : operation->address + ": " + turned_away;
  if (cluster)
    return retry(operation, refusal, std::move(detail));
  close(*operation);
  operation->finish(refusal, std::move(detail));
}

/// The deadline is reached or, of a cluster's operation, our patience with one peer.
void ClientActor::on_timer(const OperationPtr& operation, ClientTime now) {
  if (operation->deadline <= now)
    return expire(operation);
  timers_.erase(operation->timer);
  operation->timer =
      timers_.emplace(std::min(operation->deadline, now + patience), operation.get());
  const bool sent = operation->state == Operation::State::sent;
  if (operation->state == Operation::State::pausing || (sent && operation->changes_something()))
    return;
  move_on(*operation);
  if (!sent) {
    operation->last_refusal = Refusal::unreachable;
    operation->last_detail = operation->address;
  }
  leave_target(*operation);
  ask_cluster(operation);
}

void ClientActor::expire(const OperationPtr& operation) {
  const bool sent = operation->state == Operation::State::sent;
  close(*operation);
  if (sent)
    return operation->finish(Refusal::timeout);
  if (operation->last_refusal != Refusal::none && !in_doubt(operation->last_refusal))
    return operation->finish(operation->last_refusal, std::move(operation->last_detail));
  operation->finish(Refusal::unreachable, operation->address);
}

void ClientActor::leave_target(Operation& operation) {
  if (!operation.target)
    return;
  --operation.target->operations;
  operation.target->used = time_now();
  operation.target = nullptr;
}

void ClientActor::close(Operation& operation) {
  leave_target(operation);
  timers_.erase(operation.timer);
  operations_.erase(operation.id);
}

/// One timer, for what is due first: a thousand clients of one process that each looked around
/// every few milliseconds would leave it time for nothing else.
void ClientActor::arm_timer() {
  const ClientTime now = time_now();
  ClientTime due = timers_.empty() ? now + look_at_links_interval : timers_.begin()->first;
  if ((timers_.empty() && targets_.empty()) || (armed_ && *armed_ <= due))
    return;
  due = std::max(due, now + sweep_interval);
  if (armed_ && *armed_ <= due)
    return;
  armed_ = due;
  ++epoch_;
  send_after(this, std::chrono::ceil<std::chrono::microseconds>(due - now), this, Sweep{epoch_});
}

bool ClientActor::is_idle(const Target& target, ClientTime now) const {
  const bool is_guessed = !guess_.empty() && guess_.target().address == target.address;
  return target.operations == 0 && target.paused_until <= now
         && (!target.link || target.used + (is_guessed ? idle_max : idle_elsewhere_max) < now);
}

void ClientActor::on_sweep(std::uint64_t epoch) {
  if (epoch != epoch_)
    return;
  armed_.reset();
  const ClientTime now = time_now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    // A copy: it may be the last that holds the operation.
    const OperationPtr operation = operations_.at(timers_.begin()->second->id);
    on_timer(operation, now);
  }
  for (auto at = targets_.begin(); at != targets_.end();) {
    Target& target = at->second;
    const bool idle = is_idle(target, now);
    if (idle)
      drop_link(target);
    at = idle ? targets_.erase(at) : std::next(at);
  }
  arm_timer();
}

}  // namespace troupe::actors
