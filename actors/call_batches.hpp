#pragma once

#include "wire/packet.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {

/// Gathers calls that leave over one connection into few frames: one for each peer and kind of
/// call, as far as their sizes allow.
class CallBatches {
public:
  explicit CallBatches(std::size_t batch_bytes_max) : batch_bytes_max_(batch_bytes_max) {}

  void add(const std::string& peer, wire::CallKind kind, wire::Call call);

  /// All that gathered, encoded.
  std::vector<wire::Frame> take();

private:
  struct Batch {
    std::vector<wire::Call> calls{};
    std::size_t bytes = 0;
  };
  using Key = std::pair<std::string, wire::CallKind>;

  void close(const Key& key, Batch& batch);

  std::size_t batch_bytes_max_;
  std::map<Key, Batch> open_{};
  std::map<Key, Batch>::iterator last_ = open_.end();  ///< Most calls are like the one before.
  std::vector<wire::Frame> frames_{};
};

}  // namespace troupe::actors
