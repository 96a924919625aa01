#pragma once

#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace troupe {

/// How far a leader has come with sending one snapshot to one follower (§5.1).
///
/// It begins with a question, since the follower may have kept what came before a break. Chunks
/// then leave ahead of the answers, as far as the window reaches. What was lost shows when the
/// last message that left is answered with less than had left by then: nothing is sent a second
/// time on a mere suspicion, however slow the connection. After a silence that question is put, and
/// again after longer and longer ones: where a disk stalls they would else pile up.
class SnapshotSending {
public:
  struct Window {
    std::size_t bytes_max = 0;
    std::size_t messages_max = 0;
    std::size_t chunk_bytes = 1;
  };

  explicit SnapshotSending(SnapshotHead head) : head_(std::move(head)) {}

  const SnapshotHead& head() const { return head_; }
  /// So much of it the follower has, as it said last.
  std::uint64_t acked() const { return acked_; }

  /// A chunk that leaves.
  struct Piece {
    std::uint64_t offset = 0;
    std::size_t length = 0;  ///< 0: it is a question.
  };
  /// Whether there is a chunk to send now. `silence` is the first after which to ask.
  bool has_next(const Window& window, Time now, Duration silence) const {
    return next_length(window) > 0 || should_ask(now, silence);
  }
  /// The next chunk, which leaves now; nothing if there is none.
  std::optional<Piece> next(const Window& window, Time now, Duration silence);

  /// The follower has `upto` bytes, it says of the message that left with `offset`. Returns
  /// whether it is further than ever. Requires: `upto <= head().size_bytes`.
  bool answered(std::uint64_t offset, std::uint64_t upto);
  /// All was in vain. Asks again a silence after `when`.
  void start_over(Time when);

private:
  std::size_t next_length(const Window& window) const;
  bool should_ask(Time now, Duration silence) const;

  SnapshotHead head_;
  bool asking_ = true;  ///< What the follower has is not known yet.
  std::uint64_t acked_ = 0;
  std::uint64_t acked_most_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t last_offset_ = 0;  ///< Of the message that left last.
  std::optional<Time> left_at_{};
  unsigned questions_ = 0;  ///< That left since the last answer.
};

}  // namespace troupe
