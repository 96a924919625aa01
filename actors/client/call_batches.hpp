#pragma once

#include "wire/packet.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace troupe::actors {

/// Gathers calls that leave together into few packets: one for each peer, kind of call and level of
/// reads, as far as their sizes allow.
class CallBatches {
public:
  /// What is `seen` goes with sequential queries. It outlives the batches.
  CallBatches(std::size_t batch_bytes_max, const std::map<ClusterId, Index>& seen)
      : batch_bytes_max_(batch_bytes_max), seen_(seen) {}

  /// Requires `ReadLevel::linearizable` of a command.
  void add(const std::string& peer, wire::CallKind kind, ReadLevel level, wire::Call call);

  struct Packet {
    wire::Calls calls{};
    std::size_t bytes = 0;  ///< What it takes in a frame, about.
  };
  /// All that gathered.
  std::vector<Packet> take();

private:
  struct Batch {
    std::vector<wire::Call> calls{};
    std::size_t bytes = 0;
  };
  using Key = std::tuple<std::string, wire::CallKind, ReadLevel>;

  void close(const Key& key, Batch& batch);

  std::size_t batch_bytes_max_;
  const std::map<ClusterId, Index>& seen_;
  std::map<Key, Batch> open_{};
  std::map<Key, Batch>::iterator last_ = open_.end();  ///< Most calls are like the one before.
  std::vector<Packet> packets_{};
};

}  // namespace troupe::actors
