#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

/// What one output hands out to be applied, at most (but at least one entry): a restarted peer with
/// a long log applies it in steps.
constexpr std::size_t committed_bytes_max = std::size_t{8} << 20;

}  // namespace

bool Engine::has_output() const {
  if (has_write() || outbox_.has_messages() || may_apply() || may_answer_reads() || role_changed_
      || !set_back_.empty())
    return true;
  if (install_ || check_ || receiver_.has_chunks() || snapshot_due() || read_request_due())
    return true;
  return role_ == Role::leader && std::ranges::any_of(leading().followers, [&](const auto& peer) {
           return has_news_for(peer.second) || has_chunk_for(peer.second);
         });
}

bool Engine::has_write() const {
  return writes_.is_dirty(log_.last().index) || now_ >= cutter_.deadline(log_)
         || now_ >= cleaning_deadline();
}

Output Engine::take_output() {
  Output out;
  if (role_ == Role::leader)
    replicate();
  if (read_request_due())
    send(following().leader, reads_.ask_leader(now_));
  if (has_write())
    out.write = take_write();
  out.messages = outbox_.take_messages();
  out.install = std::exchange(install_, std::nullopt);
  if (may_apply()) {
    Index upto = commit_;
    if (mutant(Mutant::applies_uncommitted))
      upto = log_.last().index;
    out.committed = log_.slice(next(applied_), upto, committed_bytes_max);
    applied_ = out.committed.back().id.index;
  }
  if (snapshot_due()) {
    out.take_snapshot = place_applied();
    snapshots_.begin(out.take_snapshot->id);
  }
  while (may_answer_reads())
    out.reads.push_back(reads_.pop_ready());
  out.chunks_to_send = outbox_.take_chunks();
  out.chunks_to_store = receiver_.take_chunks();
  out.check_snapshot = std::exchange(check_, std::nullopt);
  out.role_changed = std::exchange(role_changed_, false);
  out.set_back = std::exchange(set_back_, {});
  return out;
}

Write Engine::take_write() {
  TROUPE_ASSERT(has_write());
  Write write = writes_.take(hard_state_, log_, snapshots_.last(), now_);
  write.cut_before = cutter_.cut(now_, log_);
  if (write.cut_before) {
    TROUPE_ASSERT(log_.before().index <= snapshots_.covered());
    cleaner_.forget_before(log_.first());
    configurations_.cut_upto(log_.before().index);
  }
  if (cleaner_.has_enough()) {
    const bool has_snapshot = snapshots_.last() || snapshots_.taking();
    auto [holes, horizon] =
        cleaner_.clean(now_, {.upto = clean_upto(), .keeps_tombstones = has_snapshot}, log_);
    hard_state_.horizon = std::max(hard_state_.horizon, horizon);
    write.hard_state.horizon = hard_state_.horizon;
    write.released = std::move(holes);
  }
  return write;
}

void Engine::on_persisted(WriteId write) {
  const bool was_durable = writes_.hard_state_is_durable();
  // The log may end behind a snapshot that is durable, unless it was lost or another one counts.
  const Index covered = writes_.done(write, log_);
  if (covered != Index{} && snapshots_.has_sound() && snapshots_.covered() == covered)
    cutter_.plan(covered, log_);
  // Only now others hear of our term and our vote, and have a timeout to answer, or to win if the
  // vote is theirs. A disk may take as long as a timeout.
  const bool is_durable = writes_.hard_state_is_durable();
  if (!was_durable && is_durable && role_ != Role::leader && !is_quiet())
    timer_.restart(now_);
  const bool answers = outbox_.release(writes_.done());
  if (auto* state = std::get_if<Following>(&state_); state != nullptr && answers)
    state->answered_at = now_;
  if (role_ == Role::candidate && tally_votes() == Tally::won)
    become_leader();
  if (role_ == Role::leader) {
    maybe_commit();
    continue_transfer();
    continue_change();
  }
}

/// Every answer says whether we need a snapshot, or room, or count for nothing: any of them may be
/// lost.
Message Engine::envelope(PeerId to, Body body) const {
  if (auto* response = std::get_if<AppendResponse>(&body); response != nullptr) {
    if (stateless_)
      response->wants_snapshot = applied_;
    response->set_back = hard_state_.set_back;
    response->disk_full = disk_full_;
    if (mutant(Mutant::full_disk_not_spoken_of))
      response->disk_full = false;
  }
  return {.cluster = hard_state_.cluster,
          .from = options_.self,
          .to = to,
          .term = hard_state_.term,
          .body = std::move(body)};
}

void Engine::send(PeerId to, Body body) {
  outbox_.send(envelope(to, std::move(body)));
}

/// For promises: `body` leaves when everything that we hold by now is durable (§3.8).
void Engine::send_when_durable(PeerId to, Body body) {
  const WriteId after = writes_.covering(log_.last().index);
  if (after <= writes_.done())
    send(to, std::move(body));
  else
    outbox_.promise(after, envelope(to, std::move(body)));
}

}  // namespace troupe
