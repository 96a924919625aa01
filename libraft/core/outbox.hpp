#pragma once

#include "core/message.hpp"
#include "core/output.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <list>
#include <utility>
#include <vector>

namespace troupe::sim {
class EngineDigest;
}

namespace troupe {

/// The messages of one peer until its next output. A promise to another peer, such as a vote or the
/// acceptance of entries, is held until the write that makes it true is durable (§3.8): after a
/// crash the peer would otherwise not know of it.
class Outbox {
public:
  /// Leaves with the next output.
  void send(Message message) { ready_.push_back(std::move(message)); }
  /// `message` holds a `SnapshotChunk` without its data: `length` bytes from its offset on (§5.1).
  void send_chunk(Message message, std::size_t length) {
    chunks_.push_back({.message = std::move(message), .length = length});
  }
  /// Leaves with the first output after `write` has become durable. Promises leave in the order in
  /// which they were made.
  void promise(WriteId write, Message message);
  /// All writes up to `done` are durable. Returns whether a promise was waiting for that.
  bool release(WriteId done);
  /// A new term: nothing comes of what was promised in the old one.
  void drop_promises() { promises_.clear(); }
  /// None of what was to be sent leaves, promised or not.
  void drop_messages();

  bool has_promises() const { return !promises_.empty(); }
  /// Whether an output would hold messages. Chunks never leave alone.
  bool has_messages() const { return !ready_.empty(); }
  std::vector<Message> take_messages();
  std::vector<ChunkToSend> take_chunks();

private:
  /// Of the simulator, which must tell all states apart.
  friend class sim::EngineDigest;

  struct Promise {
    WriteId write{};
    Message message{};
  };

  std::vector<Message> ready_{};
  std::list<Promise> promises_{};  ///< A list: an empty deque takes 0.6 KB, in each idle peer.
  std::vector<ChunkToSend> chunks_{};
};

}  // namespace troupe
