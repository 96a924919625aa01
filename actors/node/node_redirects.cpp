#include "actors/disk/messages.hpp"
#include "actors/node/node_actor.hpp"
#include "actors/peer/messages.hpp"
#include "actors/runtime/replies.hpp"
#include "actors/transport/messages.hpp"

#include <utility>

namespace troupe::actors {
namespace {

/// How long the other members may take to say who leads.
constexpr Duration leader_timeout = std::chrono::milliseconds(800);

/// Batches of calls that may wait for that, for one peer. Further ones are refused as `busy`.
constexpr std::size_t waiting_calls_max = 4096;

bool names_a_leader(const wire::Response& response) {
  const auto* status = std::get_if<wire::PeerStatus>(&response.body);
  return status != nullptr && !status->leader.empty();
}

}  // namespace

void NodeActor::on_calls(InboundCalls& inbound) {
  Replies replies;
  Hosted* hosted = find(inbound.calls.peer);
  if (phase_ != Phase::running) {
    replies.refuse(inbound.connection, inbound.calls.calls, Refusal::stopping);
  } else if (hosted == nullptr) {
    replies.refuse(inbound.connection, inbound.calls.calls, Refusal::no_peer, inbound.calls.peer);
  } else if (hosted->actor) {
    // The connection did not know yet that it runs.
    actors::send(this, hosted->actor, std::move(inbound));
  } else if (hosted->state == State::starting || hosted->calls.size() >= waiting_calls_max) {
    replies.refuse(inbound.connection, inbound.calls.calls, Refusal::busy);
  } else {
    hosted->calls.push_back(std::move(inbound));
    look_for_leader(*hosted);
  }
  send_all(this, replies);
}

/// One search at a time for each peer, for all who wait.
void NodeActor::look_for_leader(Hosted& hosted) {
  if (std::exchange(hosted.looking_for_leader, true))
    return;
  if (hosted.configuration)
    ask_for_leader(hosted);
  else
    actors::send(this, store_, RecoverPeer{self(), hosted.record.id});
}

/// A start came in between and failed: waiting calls still wait.
void NodeActor::look_again(Hosted& hosted) {
  if (std::exchange(hosted.looking_for_leader, false))
    look_for_leader(hosted);
}

void NodeActor::ask_for_leader(Hosted& hosted) {
  Inquire inquire{.id = ++last_inquiry_,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = leader_timeout,
                  .enough = &names_a_leader};
  // Their status and not their leader: a peer that does not run refuses the one, but would look for
  // the other as we do.
  for (const Member& member : hosted.configuration->members())
    if (member.id != hosted.record.id)
      inquire.questions.push_back(
          {member.address, {.id = 0, .peer = member.name, .body = wire::AskStatus{}}});
  if (inquire.questions.empty())
    return redirect(hosted, {});
  leader_inquiries_[inquire.id] = hosted.record.name;
  on_inquire(inquire);
}

void NodeActor::on_inquired(const Inquired& inquired) {
  const auto inquiry = leader_inquiries_.extract(inquired.id);
  Hosted* hosted = inquiry.empty() ? nullptr : find(inquiry.mapped());
  if (hosted == nullptr)
    return;
  const Member* stopped =
      hosted->configuration ? hosted->configuration->find(hosted->record.id) : nullptr;
  std::string leader;
  for (const wire::Response& response : inquired.responses) {
    if (!names_a_leader(response))
      continue;
    const std::string& named = std::get<wire::PeerStatus>(response.body).leader;
    // Some have not noticed yet that it is gone.
    if (stopped == nullptr || named != full_name(*stopped))
      leader = named;
  }
  redirect(*hosted, leader);
}

/// Answers all that wait. Without a leader the answer is that of every other request to a stopped
/// peer; clients of a cluster then ask another of its peers.
void NodeActor::redirect(Hosted& hosted, const std::string& leader) {
  hosted.looking_for_leader = false;
  wire::Response answer = leader.empty() ? refused(0, Refusal::no_peer, hosted.record.name)
                                         : refused(0, Refusal::redirect, leader);
  Replies replies;
  for (const InboundCalls& waiting : std::exchange(hosted.calls, {}))
    replies.refuse(waiting.connection, waiting.calls.calls, answer.refusal, answer.detail);
  send_all(this, replies);
  for (const InboundRequest& waiting : std::exchange(hosted.requests, {})) {
    answer.id = waiting.request.id;
    respond(this, waiting.connection, answer);
  }
}

}  // namespace troupe::actors
