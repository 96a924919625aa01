#include "core/snapshot_receiver.hpp"

#include "core/assert.hpp"
#include "core/mutant.hpp"

#include <utility>

namespace troupe {

void SnapshotReceiver::take(const SnapshotChunk& chunk) {
  if (head_ != chunk.head) {
    head_ = chunk.head;
    upto_ = 0;
  }
  if (chunk.data.empty() && unanswered_ > 0)
    if (!mutant(Mutant::questions_pile_up))
      return;
  ++unanswered_;
  chunks_.push_back({.head = chunk.head, .offset = chunk.offset, .data = chunk.data});
}

std::vector<ChunkToStore> SnapshotReceiver::take_chunks() {
  return std::exchange(chunks_, {});
}

bool SnapshotReceiver::stored(const ChunkStored& stored) {
  unanswered_ -= unanswered_ > 0 ? 1 : 0;
  if (!head_ || head_->id() != stored.id)
    return false;  // Of one that came before it.
  upto_ = stored.corrupt ? 0 : stored.upto;
  return true;
}

SnapshotHead SnapshotReceiver::finish() {
  TROUPE_ASSERT(head_.has_value());
  upto_ = 0;
  return *std::exchange(head_, std::nullopt);
}

void SnapshotReceiver::give_up() {
  head_.reset();
  upto_ = 0;
}

}  // namespace troupe
