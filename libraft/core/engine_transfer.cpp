#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

/// The least entry that a snapshot for this follower must cover; nothing if entries will do.
std::optional<Index> Engine::snapshot_wanted(const Progress& progress) const {
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
  if (!may_want_snapshot(progress))
    return nullptr;
  const auto wanted = snapshot_wanted(progress);
  const bool serves = wanted && snapshots_.has_sound() && snapshots_.covered() >= *wanted;
  return serves ? &*snapshots_.last() : nullptr;
}

Transfer::Window Engine::transfer_window() const {
  return {.bytes_max = options_.window_bytes_max,
          .messages_max = options_.window_messages_max,
          .chunk_bytes = options_.append_bytes_max};
}

/// Whether `send_chunks` would send the follower anything.
bool Engine::has_chunk_for(const Progress& progress) const {
  const SnapshotHead* head = snapshot_for(progress);
  if (head == nullptr)
    return false;
  const auto& transfer = progress.transfer();
  return !transfer || transfer->head() != *head || transfer->next_length(transfer_window()) > 0
         || transfer->should_ask(now_, options_.heartbeat_interval);
}

/// Sends as much of our snapshot as the window allows (§5.1). Heartbeats and, if they are in the
/// log, entries leave beside it.
void Engine::send_chunks(PeerId to, Progress& progress) {
  auto& transfer = progress.transfer();
  const SnapshotHead* head = snapshot_for(progress);
  if (head == nullptr)
    return transfer.reset();
  if (!transfer || transfer->head() != *head) {
    transfer.emplace(*head);
    progress.offered(head->place.id.index);
  }
  while (const std::size_t length = transfer->next_length(transfer_window()))
    send_chunk(to, *transfer, length);
  if (transfer->should_ask(now_, options_.heartbeat_interval))
    send_chunk(to, *transfer, 0);
}

void Engine::send_chunk(PeerId to, Transfer& transfer, std::size_t length) {
  const std::uint64_t offset =
      mutant(Mutant::chunk_at_wrong_offset) ? transfer.acked() : transfer.sent();
  SnapshotChunk chunk{.head = transfer.head(), .offset = offset, .data = {}};
  outbox_.send_chunk(envelope(to, std::move(chunk)), length);
  transfer.left(length, now_);
}

void Engine::on_snapshot_response(const Message& message, const SnapshotResponse& response) {
  if (role_ != Role::leader)
    return;
  const auto it = leading().progress.find(message.from);
  if (it == leading().progress.end() || it->second.is_set_back())
    return;
  it->second.heard(now_, {});
  auto& transfer = it->second.transfer();
  if (!transfer || transfer->head().id() != response.id)
    return;  // Of one that we do not send any more.
  if (response.upto > transfer->head().size_bytes) {
    ++dropped_;
    return;
  }
  if (response.corrupt) {
    // Damaged on its way, or here, or there: the first and the last are mended by sending it once
    // more, after a pause that bounds what a bad disk at the other end can cost.
    check_ = transfer->head();
    transfer->start_over(now_ + options_.election_timeout_max);
    return;
  }
  // A newcomer that receives is not one that does not make it.
  if (transfer->answered(response.offset, response.upto) && leading().change)
    leading().change->deadline =
        std::max(leading().change->deadline, now_ + options_.catch_up_timeout);
}

}  // namespace troupe
