#include "actors/peer/held_reads.hpp"

#include "actors/peer/peer_waiters.hpp"
#include "core/assert.hpp"

namespace troupe::actors {
namespace {

/// What a call costs beside its question.
constexpr std::size_t call_head_bytes = 64;

}  // namespace

bool HeldReads::add(Index seen, Time deadline, const caf::actor& connection,
                    const std::vector<wire::Call>& calls, Ticket ticket) {
  TROUPE_ASSERT(by_deadline_.empty() || by_deadline_.back().first <= deadline);
  std::size_t bytes = 0;
  for (const wire::Call& call : calls)
    bytes += call_head_bytes + call.payload.size();
  if (calls_ + calls.size() > limits_.calls_max || bytes_ + bytes > limits_.bytes_max)
    return false;
  calls_ += calls.size();
  bytes_ += bytes;
  Batch batch{.connection = connection, .calls = {}, .bytes = bytes, .ticket = std::move(ticket)};
  batch.calls.reserve(calls.size());
  for (const wire::Call& call : calls)
    batch.calls.push_back({call.id, Bytes::copy_of(call.payload.text())});
  const Key key{seen, ++last_number_};
  by_seen_.emplace(key, std::move(batch));
  by_deadline_.emplace_back(deadline, key);
  return true;
}

HeldReads::Batch HeldReads::remove(std::map<Key, Batch>::iterator at) {
  Batch batch = std::move(at->second);
  by_seen_.erase(at);
  calls_ -= batch.calls.size();
  bytes_ -= batch.bytes;
  while (!by_deadline_.empty() && !by_seen_.contains(by_deadline_.front().second))
    by_deadline_.pop_front();
  return batch;
}

Ask HeldReads::take(Index reached) {
  Ask ask;
  while (any_upto(reached)) {
    Batch batch = remove(by_seen_.begin());
    append_queries(batch.connection, std::move(batch.calls), std::move(batch.ticket), ask);
  }
  return ask;
}

void HeldReads::refuse_late(Time now, Replies& replies) {
  while (deadline() <= now) {
    const Batch batch = remove(by_seen_.find(by_deadline_.front().second));
    replies.refuse(batch.connection, batch.calls, Refusal::timeout);
  }
}

void HeldReads::lose_all(Refusal refusal, Replies& replies) {
  while (!empty()) {
    const Batch batch = remove(by_seen_.begin());
    replies.refuse(batch.connection, batch.calls, refusal);
  }
}

}  // namespace troupe::actors
