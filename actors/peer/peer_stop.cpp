#include "actors/disk/messages.hpp"
#include "actors/machine/messages.hpp"
#include "actors/peer/messages.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/replies.hpp"
#include "actors/transport/messages.hpp"

#include <utility>

namespace troupe::actors {
namespace {

/// How long a peer that has ended passes on what is still sent to it, while the news of its end
/// travels to the connections. Nobody should wait for an answer that never comes.
constexpr std::chrono::milliseconds forwarding_time{1000};

/// How long a peer redirects late calls to its successor. They left before their clients heard of
/// it: if they met a connection that is gone, nobody could say whether they happened.
constexpr std::chrono::milliseconds redirecting_time{100};

}  // namespace

/// Waits until the others can do without us, and hands over leadership. Then follows the successor
/// for a moment and redirects late calls, waits for the disk and for replies, and ends. Each step
/// takes as long as there is time.
void PeerActor::stop() {
  if (stopping_)
    return;
  const Time deadline = now() + stop_timeout_;
  stopping_ = Stopping{.deadline = deadline, .stays_until = deadline - stop_timeout_ / 2};
  begin_turn();
  begin_handover();
}

void PeerActor::begin_handover() {
  if (stopping_->stays_until && now() < *stopping_->stays_until && engine_.should_stay())
    return;
  stopping_->stays_until.reset();
  begin_turn();
  const Result<PeerId> to = engine_.transfer(nobody);
  if (to && !stopping_->handing_over)
    log_handover(*to, "stopping");
  stopping_->handing_over = static_cast<bool>(to);
}

void PeerActor::continue_stop() {
  if (!stopping_ || ended_)
    return;
  if (stopping_->stays_until)
    begin_handover();
  if (stopping_->stays_until)
    return;
  const bool late = now() >= stopping_->deadline;
  // An engine does not try for ever. Nothing else is left for us to do.
  if (stopping_->handing_over && !late && engine_.role() == Role::leader
      && engine_.view().transfer_to == nobody)
    begin_handover();
  // Not before the next leader is known: those who wait are sent there. Unless nobody took over.
  if (stopping_->handing_over && engine_.role() != Role::leader
      && stopping_->heir_deadline == never)
    stopping_->heir_deadline = now() + stickiness_;
  if (late || now() >= stopping_->heir_deadline || !hands_over())
    end_handover();
  if (stopping_->redirects_until && now() >= *stopping_->redirects_until)
    stopping_->redirects_until.reset();
  const bool serves_on = stopping_->handing_over || stopping_->redirects_until;
  if (late || (!serves_on && is_drained()))
    finish({});
}

void PeerActor::end_handover() {
  const bool has_heir = engine_.role() != Role::leader && engine_.leader() != nobody;
  if (std::exchange(stopping_->handing_over, false) && has_heir)
    stopping_->redirects_until = now() + redirecting_time;
}

/// Whether no peer needs us any more: we only wait for our own disk and resource. Our successor
/// needs us as long as we redirect calls to it: another that makes a quorum with it may still be
/// busy with what it missed.
bool PeerActor::is_draining() const {
  return stopping_ && !stopping_->stays_until && !stopping_->handing_over
         && !stopping_->redirects_until && engine_.role() != Role::leader;
}

/// Another leads, and is not to give leadership back to one that goes.
bool PeerActor::has_handed_over() const {
  return stopping_ && stopping_->redirects_until;
}

/// Nobody waits for entries behind a snapshot that is being loaded, or could not be.
bool PeerActor::is_drained() const {
  return !turn_open_ && written_ == write_sent_
         && (applied_ == dispatched_ || loading_ || state_lost_);
}

/// The end: everyone who waits hears of it. Without `failure` what was committed has been answered.
void PeerActor::finish(std::string failure) {
  ended_ = true;
  const bool failed = !failure.empty();
  if (failed)
    log(LogLevel::error, "disk_failed", {{"peer", record_.name}, LogField::own("error", failure)});
  else
    log(LogLevel::info, "stopped", {{"peer", record_.name}});
  Replies replies;
  commands_.lose_all(failed ? Refusal::disk_failed : Refusal::unknown_outcome, replies);
  reads_.lose_all(failed ? Refusal::disk_failed : Refusal::redirect, {}, replies);
  for (const InboundCalls& inbound : std::exchange(queries_, {}))
    replies.refuse(inbound.connection, inbound.calls.calls,
                   failed ? Refusal::disk_failed : Refusal::redirect);
  held_.lose_all(failed ? Refusal::disk_failed : Refusal::redirect, replies);
  for (const InboundCalls& inbound : std::exchange(waiting_calls_, {}))
    replies.refuse(inbound.connection, inbound.calls.calls, Refusal::election_in_progress);
  send_all(this, replies);
  if (change_)
    end_change(refused(change_->request, failed ? Refusal::disk_failed : Refusal::timeout));
  end_snapshot(refused(0, failed ? Refusal::disk_failed : Refusal::stopping));
  if (handover_)
    respond(this, handover_->connection,
            refused(handover_->request, failed ? Refusal::disk_failed : Refusal::timeout));
  actors::send(this, node_, PeerStopped{record_.id, engine_.configuration(), std::move(failure)});
  become(forwarding());
  send_after(this, forwarding_time, this, Wake{++epoch_});
}

/// The node answers in our place.
caf::behavior PeerActor::forwarding() {
  return {
      [this](InboundCalls& inbound) { actors::send(this, node_, std::move(inbound)); },
      [this](InboundRequest& inbound) { actors::send(this, node_, std::move(inbound)); },
      [this](const Wake& wake) {
        if (wake.epoch == epoch_)
          quit();
      },
      [this](const Stop&) { quit(); },
      ignore<InboundMessages>(),
      ignore<StoreWritten>(),
      ignore<StoreFailed>(),
      ignore<StoreFull>(),
      ignore<Applied>(),
      ignore<SaveProgress>(),
      ignore<SnapshotSaved>(),
      ignore<Loaded>(),
      ignore<ChunkRead>(),
      ignore<ChunkWritten>(),
      ignore<Checked>(),
      ignore<LinkUp>(),
      ignore<LinkDown>(),
      ignore<NodeInDoubt>(),
      ignore<SharedRegistry>(),
      ignore<Inquired>(),
      ignore<Flush>(),
      ignore<InputRead>(),
  };
}

}  // namespace troupe::actors
