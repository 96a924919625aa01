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
  if (has_write() || !messages_.empty() || may_apply() || may_answer_reads() || role_changed_
      || !set_back_.empty())
    return true;
  if (install_ || check_ || !chunks_to_store_.empty() || snapshot_due() || read_request_due())
    return true;
  return role_ == Role::leader && std::ranges::any_of(leading().progress, [&](const auto& peer) {
           return has_news_for(peer.second) || has_chunk_for(peer.second);
         });
}

Output Engine::take_output() {
  Output out;
  if (role_ == Role::leader)
    replicate();
  if (read_request_due())
    send(following().leader, reads_.ask_leader(now_));
  if (has_write())
    out.write = take_write();
  out.messages = std::exchange(messages_, {});
  out.install = std::exchange(install_, std::nullopt);
  if (may_apply()) {
    const Index upto = mutant(Mutant::applies_uncommitted) ? log_.last().index : commit_;
    out.committed = log_.slice(next(applied_), upto, committed_bytes_max);
    applied_ = out.committed.back().id.index;
  }
  if (snapshot_due()) {
    out.take_snapshot = place_applied();
    taking_ = out.take_snapshot->id;
  }
  while (may_answer_reads())
    out.reads.push_back(reads_.pop_ready());
  out.chunks_to_send = std::exchange(chunks_to_send_, {});
  out.chunks_to_store = std::exchange(chunks_to_store_, {});
  out.check_snapshot = std::exchange(check_, std::nullopt);
  out.role_changed = std::exchange(role_changed_, false);
  out.set_back = std::exchange(set_back_, {});
  return out;
}

Write Engine::take_write() {
  TROUPE_ASSERT(has_write());
  last_write_ = {last_write_.value + 1};
  Write write{
      .id = last_write_,
      .hard_state = hard_state_,
      .restart = std::exchange(restart_pending_, false) && !mutant(Mutant::log_restart_not_written),
      .truncate_from = std::exchange(truncate_pending_, std::nullopt),
      .entries = log_.range(next(handed_), log_.last().index)};
  Handed handed{.id = last_write_,
                .last = log_.last(),
                .hard_state = std::exchange(hard_state_dirty_, false),
                .at = now_};
  if (std::exchange(snapshot_dirty_, false)) {
    write.snapshot = snapshot_;
    handed.covered = snapshot_->place.id.index;
  }
  handed_ = log_.last().index;
  writing_.push_back(handed);
  cut_some(write);
  clean_some(write);
  return write;
}

void Engine::on_persisted(WriteId write) {
  const bool was_durable = hard_state_durable();
  TROUPE_ASSERT(write <= last_write_);
  while (!writing_.empty() && writing_.front().id <= write) {
    // What was truncated since is not in `last` any more, even if it came back: the truncation
    // may be on its way to the disk, and the entries behind it (the append ABA race).
    const Handed& handed = writing_.front();
    TROUPE_ASSERT(log_.agrees(handed.last) || mutant(Mutant::truncated_counts_as_durable));
    persisted_ = std::max(persisted_, handed.last.index);
    if (handed.covered != Index{})
      plan_cut(handed.covered);
    writing_.pop_front();
  }
  persisted_write_ = std::max(persisted_write_, write);
  if (!was_durable && hard_state_durable())
    restart_election_clock();
  if (auto* state = std::get_if<Following>(&state_);
      state != nullptr && !held_.empty() && held_.front().after <= persisted_write_)
    state->answered_at = now_;
  while (!held_.empty() && held_.front().after <= persisted_write_) {
    messages_.push_back(std::move(held_.front().message));
    held_.pop_front();
  }
  if (role_ == Role::candidate && tally_votes() == Tally::won)
    become_leader();
  if (role_ == Role::leader) {
    maybe_commit();
    continue_transfer();
    continue_change();
  }
}

bool Engine::hard_state_durable() const {
  return !hard_state_dirty_ && std::ranges::none_of(writing_, &Handed::hard_state);
}

/// Every answer says whether we need a snapshot, or room, or count for nothing: any of them may be
/// lost.
Message Engine::envelope(PeerId to, Body body) const {
  if (auto* response = std::get_if<AppendResponse>(&body); response != nullptr) {
    if (stateless_)
      response->wants_snapshot = applied_;
    response->set_back = hard_state_.set_back;
    response->disk_full = disk_full_ && !mutant(Mutant::full_disk_not_spoken_of);
  }
  return {.cluster = hard_state_.cluster,
          .from = options_.self,
          .to = to,
          .term = hard_state_.term,
          .body = std::move(body)};
}

void Engine::send(PeerId to, Body body) {
  messages_.push_back(envelope(to, std::move(body)));
}

/// For promises: `body` leaves when everything that we hold by now is durable (§3.8).
void Engine::send_when_durable(PeerId to, Body body) {
  const WriteId after = dirty() ? WriteId{last_write_.value + 1} : last_write_;
  if (after <= persisted_write_)
    send(to, std::move(body));
  else
    held_.push_back({.after = after, .message = envelope(to, std::move(body))});
}

}  // namespace troupe
