#include "actors/client/client_actor.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/transport/link.hpp"
#include "actors/transport/messages.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace troupe::actors {
namespace {

/// Before a node is asked for a place again that had none: doubles up to the maximum, less up to a
/// half of it, so that those who were turned away together do not come back together.
constexpr Duration place_pause_min = std::chrono::milliseconds(500);
constexpr Duration place_pause_max = std::chrono::seconds(8);

}  // namespace

Target& ClientActor::target_at(const std::string& address) {
  const auto [at, is_new] = targets_.try_emplace(address);
  Target& target = at->second;
  if (is_new) {
    target.address = address;
    target.is_local = local_.actor && address == local_.address;
  }
  if (!target.link && !target.is_local) {
    // What is on its way is bounded by `bytes_max`; what timed out meanwhile may still be there.
    const ConnectionLimits limits{.unwritten_bytes_max =
                                      2 * options_.bytes_max + wire::frame_body_bytes_max};
    target.link = system().spawn<Link>(LinkOptions{.address = address,
                                                   .hello = {},
                                                   .owner = caf::actor_cast<caf::actor>(this),
                                                   .registry = {},
                                                   .overflow = Overflow::close,
                                                   .limits = limits});
    actors::send(this, target.link, WantLink{address, caf::actor_cast<caf::actor>(this)});
  }
  return target;
}

void ClientActor::drop_link(Target& target) {
  if (target.link)
    send_exit(target.link, caf::exit_reason::user_shutdown);
  target.link = {};
  target.connection = {};
}

void ClientActor::on_link_up(const LinkUp& up) {
  const auto target = targets_.find(up.address);
  // A link that we gave up may still have had something to say.
  if (target == targets_.end() || target->second.link != current_sender())
    return;
  target->second.connection = up.connection;
  target->second.turned_away.clear();
  flush(target->second);
}

void ClientActor::on_link_down(const LinkDown& down) {
  const auto found = targets_.find(down.address);
  if (found == targets_.end() || found->second.link != current_sender())
    return;
  Target& target = found->second;
  // The link would dial again by itself, but only who calls knows whether that is worth while.
  drop_link(target);
  target.waiting.clear();
  if (!down.turned_away.empty())
    back_off(target, down.turned_away);
  std::vector<OperationPtr> lost;
  for (const auto& [id, operation] : operations_)
    if (operation->target == &target)
      lost.push_back(operation);
  for (const OperationPtr& operation : lost)
    on_lost(operation, down.turned_away);
}

void ClientActor::back_off(Target& target, const std::string& why) {
  const bool again = !target.turned_away.empty();
  target.turned_away = why;
  target.pause = again ? std::min(2 * target.pause, place_pause_max) : place_pause_min;
  const auto half = static_cast<std::uint64_t>(target.pause.count() / 2);
  target.paused_until = std::chrono::steady_clock::now() + target.pause
                        - Duration(static_cast<Duration::rep>(random_.below(half + 1)));
}

void ClientActor::flush_later() {
  if (!std::exchange(flush_pending_, true))
    actors::send(this, this, Flush{});
}

void ClientActor::on_flush() {
  flush_pending_ = false;
  spread_.end_run();
  for (auto& [address, target] : targets_)
    if ((target.is_local || target.connection) && !target.waiting.empty())
      flush(target);
}

void ClientActor::send_request(Target& target, const OperationPtr& operation) {
  operation->request->id = operation->id;
  wire::Frame frame = wire::encode(*operation->request);
  const Bytes body(frame, std::span(*frame).subspan(wire::frame_head_bytes));
  // A node that cannot read a packet closes the connection, and with it all calls in flight.
  if (const auto packet = wire::decode(body); !packet) {
    close(*operation);
    return operation->finish(Refusal::invalid, packet.detail());
  }
  if (!target.is_local)
    return actors::send(this, target.connection, std::move(frame));
  Ticket ticket = backlog_.admit(1, frame->size());
  if (!ticket) {
    close(*operation);
    return operation->finish(Refusal::busy);
  }
  actors::send(this, local_.actor,
               InboundRequest{caf::actor_cast<caf::actor>(this), std::move(*operation->request),
                              std::move(ticket)});
}

void ClientActor::send_calls(Target& target, CallBatches::Packet packet) {
  if (target.is_local)
    return call_here(std::move(packet));
  actors::send(this, target.connection, wire::encode(std::move(packet.calls)));
}

/// As a connection would pass them on.
void ClientActor::call_here(CallBatches::Packet packet) {
  Ticket ticket = backlog_.admit(packet.calls.calls.size(), packet.bytes);
  if (!ticket) {
    wire::CallReplies refusals;
    for (const wire::Call& call : packet.calls.calls)
      refusals.replies.push_back(
          {.id = call.id, .refusal = Refusal::busy, .detail = {}, .index = {}, .value = {}});
    return on_replies(local_.address, refusals);
  }
  const caf::actor* to = &local_.actor;
  if (registry_)
    if (const auto peer = registry_->by_name.find(packet.calls.peer);
        peer != registry_->by_name.end())
      to = &peer->second;
  actors::send(
      this, *to,
      InboundCalls{caf::actor_cast<caf::actor>(this), std::move(packet.calls), std::move(ticket)});
}

void ClientActor::flush(Target& target) {
  CallBatches batches(options_.batch_bytes_max, seen_);
  for (const OperationPtr& operation : target.waiting) {
    if (operation->state != Operation::State::waiting || operation->target != &target)
      continue;
    operation->state = Operation::State::sent;
    if (!operation->is_request()) {
      batches.add(operation->peer, operation->kind, operation->level,
                  {operation->id, operation->payload});
      continue;
    }
    send_request(target, operation);
  }
  target.waiting.clear();
  for (CallBatches::Packet& packet : batches.take())
    send_calls(target, std::move(packet));
}

}  // namespace troupe::actors
