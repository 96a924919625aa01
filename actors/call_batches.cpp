#include "actors/call_batches.hpp"

#include <utility>

namespace troupe::actors {

namespace {

/// What a call costs in a frame beside its payload, at most.
constexpr std::size_t call_head_bytes = 48;

}  // namespace

void CallBatches::add(const std::string& peer, wire::CallKind kind, wire::Call call) {
  if (last_ == open_.end() || last_->first.second != kind || last_->first.first != peer)
    last_ = open_.try_emplace({peer, kind}).first;
  Batch& batch = last_->second;
  const std::size_t bytes = call.payload.size() + call_head_bytes;
  if (!batch.calls.empty() && batch.bytes + bytes > batch_bytes_max_)
    close(last_->first, batch);
  batch.calls.push_back(std::move(call));
  batch.bytes += bytes;
}

void CallBatches::close(const Key& key, Batch& batch) {
  frames_.push_back(wire::encode(wire::Calls{.peer = key.first,
                                             .kind = key.second,
                                             .level = ReadLevel::linearizable,
                                             .calls = std::move(batch.calls)}));
  batch = {};
}

std::vector<wire::Frame> CallBatches::take() {
  for (auto& [key, batch] : open_)
    close(key, batch);
  open_.clear();
  last_ = open_.end();
  return std::exchange(frames_, {});
}

}  // namespace troupe::actors
