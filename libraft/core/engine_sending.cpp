#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

SnapshotSending::Window window_of(const EngineOptions& options) {
  return {.bytes_max = options.window_bytes_max,
          .messages_max = options.window_messages_max,
          .chunk_bytes = options.append_bytes_max};
}

}  // namespace

/// The least entry that a snapshot for this follower must cover; nothing if entries will do.
std::optional<Index> Engine::snapshot_wanted(const Progress& progress) const {
  // Most logs are whole.
  if (log_.first() == Index{1} && log_.last_hole() == Index{} && progress.wanted() == Index{})
    return std::nullopt;
  if (progress.pace() == Pace::rest)
    return std::nullopt;
  if (progress.next() < log_.first())
    return std::max(progress.wanted(), log_.before().index);
  if (holes_would_mislead(progress))
    return std::max(progress.wanted(), holes_upto());
  if (progress.wanted() != Index{})
    return progress.wanted();
  return std::nullopt;
}

/// What to send to this follower, if it wants a snapshot and we have one that serves.
const SnapshotHead* Engine::snapshot_for(const Progress& progress) const {
  const auto wanted = snapshot_wanted(progress);
  const bool serves = wanted && snapshots_.has_sound() && snapshots_.covered() >= *wanted;
  return serves ? &*snapshots_.last() : nullptr;
}

/// Whether `send_chunks` would send the follower anything.
bool Engine::has_chunk_for(const Progress& progress) const {
  const SnapshotHead* head = snapshot_for(progress);
  if (head == nullptr)
    return false;
  const auto& sending = progress.sending();
  return !sending || sending->head() != *head
         || sending->has_next(window_of(options_), now_, options_.heartbeat_interval);
}

/// Sends as much of our snapshot as the window allows (§5.1). Heartbeats and, if they are in the
/// log, entries leave beside it.
void Engine::send_chunks(PeerId to, Progress& progress) {
  auto& sending = progress.sending();
  const SnapshotHead* head = snapshot_for(progress);
  if (head == nullptr)
    return sending.reset();
  if (!sending || sending->head() != *head) {
    sending.emplace(*head);
    progress.offered(head->place.id.index);
  }
  while (const auto piece = sending->next(window_of(options_), now_, options_.heartbeat_interval)) {
    SnapshotChunk chunk{.head = sending->head(), .offset = piece->offset, .data = {}};
    outbox_.send_chunk(envelope(to, std::move(chunk)), piece->length);
  }
}

void Engine::on_snapshot_response(const Message& message, const SnapshotResponse& response) {
  if (role_ != Role::leader)
    return;
  const auto it = leading().followers.find(message.from);
  if (it == leading().followers.end() || it->second.is_set_back())
    return;
  it->second.heard(now_, {});
  auto& sending = it->second.sending();
  if (!sending || sending->head().id() != response.id)
    return;  // Of one that we do not send any more.
  if (response.upto > sending->head().size_bytes) {
    ++dropped_;
    return;
  }
  if (response.corrupt) {
    // Damaged on its way, or here, or there: the first and the last are mended by sending it once
    // more, after a pause that bounds what a bad disk at the other end can cost.
    check_ = sending->head();
    sending->start_over(now_ + options_.election_timeout_max);
    return;
  }
  // A newcomer that receives is not one that does not make it.
  if (sending->answered(response.offset, response.upto) && leading().change)
    leading().change->deadline =
        std::max(leading().change->deadline, now_ + options_.catch_up_timeout);
}

}  // namespace troupe
