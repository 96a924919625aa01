#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void Engine::on_snapshot_chunk(const Message& message, const SnapshotChunk& chunk) {
  TROUPE_ASSERT(message.term == hard_state_.term);
  if (!makes_sense(message, chunk)) {
    ++dropped_;
    return;
  }
  hear_leader(message);
  if (hard_state_.set_back)
    return;  // The leader is told so by the next answer to a heartbeat.
  const Index covered = chunk.head.place.id.index;
  if (stateless_ ? covered < applied_ : covered <= commit_) {
    // We need it no more, or it ends before what we lost: what we have says all, and what we want.
    if (writes_.hard_state_is_durable())
      send(message.from,
           AppendResponse{.verdict = Accepted{std::min(commit_, writes_.persisted())}});
    return;
  }
  if (accept_instead(chunk.head.place.id))
    return;
  receiver_.take(chunk);
}

/// What no correct leader of this term sends; likewise.
bool Engine::makes_sense(const Message& message, const SnapshotChunk& chunk) const {
  const SnapshotHead& head = chunk.head;
  const SnapshotPlace& place = head.place;
  const bool fits =
      chunk.offset <= head.size_bytes && chunk.data.size() <= head.size_bytes - chunk.offset;
  const bool is_place = place.id.index > Index{} && place.id.term <= message.term
                        && place.configuration_index <= place.id.index
                        && !place.configuration.empty();
  const bool contradicts = place.id.index <= commit_ && !log_.agrees(place.id);
  return may_lead_us(message.from) && fits && is_place && !contradicts;
}

void Engine::on_chunk_stored(const ChunkStored& stored) {
  if (!receiver_.stored(stored))
    return;
  if (mutant(Mutant::corrupt_snapshot_installed))
    if (stored.corrupt)
      return install(receiver_.finish());
  if (role_ != Role::follower || following().leader == nobody)
    return;  // The next leader asks again.
  send(following().leader, SnapshotResponse{.id = stored.id,
                                            .offset = stored.offset,
                                            .upto = receiver_.upto(),
                                            .corrupt = stored.corrupt});
  if (stored.corrupt)
    receiver_.give_up();
  else if (receiver_.is_complete())
    install(receiver_.finish());
}

/// A peer that holds the last entry of a snapshot, and a state, holds all that it covers: we apply
/// it ourselves. Of our log it would not even be the beginning: what follows may have holes that
/// only go with what stands before them here (§5.3).
bool Engine::accept_instead(EntryId last) {
  if (mutant(Mutant::snapshot_over_own_log))
    return false;
  if (stateless_ || !log_.contains(last))
    return false;
  advance_commit(last.index);
  receiver_.give_up();
  send_when_durable(following().leader, AppendResponse{.verdict = Accepted{last.index}});
  return true;
}

/// All of a leader's snapshot is durable here (§5.1, figure 5.3 of the dissertation). If we hold
/// the last entry that it covers, and have only lost our state, what follows it in our log may be
/// acknowledged and stays; else our log is behind, or in conflict with what is committed, and
/// begins anew.
void Engine::install(SnapshotHead head) {
  const EntryId last = head.place.id;
  // We may have learned more since it began to come.
  if (stateless_ ? last.index < applied_ : last.index <= commit_)
    return;
  if (last.index <= commit_ && !log_.agrees(last)) {
    ++dropped_;
    return;
  }
  if (accept_instead(last))
    return;
  bool begins_anew = !log_.contains(last);
  if (mutant(Mutant::snapshot_beside_conflict))
    begins_anew = last.index > log_.last().index;
  if (begins_anew) {
    TROUPE_ASSERT(last.index > commit_);
    writes_.restarted(last, {log_.term_at(commit_), commit_});
    log_ = Log(last);
    configurations_.restart(head.place.configuration_index, head.place.configuration);
    cutter_.give_up();
  }
  commit_ = std::max(commit_, last.index);
  applied_ = last.index;
  cleaner_.restart(applied_);
  stateless_ = false;
  install_ = head;
  record_snapshot(std::move(head));
  const AppendResponse accepted{.verdict = Accepted{last.index}};
  if (mutant(Mutant::snapshot_before_durable))
    return send(following().leader, accepted);
  send_when_durable(following().leader, accepted);
}

}  // namespace troupe
