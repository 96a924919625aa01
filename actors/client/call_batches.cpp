#include "actors/client/call_batches.hpp"

#include <utility>

namespace troupe::actors {

namespace {

/// What a call costs in a frame beside its payload, at most.
constexpr std::size_t call_head_bytes = 48;

/// Calls of one packet: what all of a packet share costs little by then, and a peer that has one of
/// several can begin.
constexpr std::size_t calls_max = 256;

}  // namespace

void CallBatches::add(const std::string& peer, wire::CallKind kind, ReadLevel level,
                      wire::Call call) {
  if (last_ == open_.end() || last_->first != std::tie(peer, kind, level))
    last_ = open_.try_emplace({peer, kind, level}).first;
  Batch& batch = last_->second;
  const std::size_t bytes = call.payload.size() + call_head_bytes;
  const bool full = batch.calls.size() == calls_max || batch.bytes + bytes > batch_bytes_max_;
  if (!batch.calls.empty() && full)
    close(last_->first, batch);
  batch.calls.push_back(std::move(call));
  batch.bytes += bytes;
}

void CallBatches::close(const Key& key, Batch& batch) {
  const auto& [peer, kind, level] = key;
  wire::Calls calls{
      .peer = peer, .kind = kind, .level = level, .calls = std::move(batch.calls), .seen = {}};
  if (level == ReadLevel::sequential)
    for (const auto& [cluster, index] : seen_)
      calls.seen.push_back({cluster, index});
  packets_.push_back({.calls = std::move(calls), .bytes = batch.bytes});
  batch = {};
}

std::vector<CallBatches::Packet> CallBatches::take() {
  for (auto& [key, batch] : open_)
    close(key, batch);
  open_.clear();
  last_ = open_.end();
  return std::exchange(packets_, {});
}

}  // namespace troupe::actors
