#pragma once

#include "core/message.hpp"
#include "core/output.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <list>
#include <optional>

namespace troupe {

/// The reads of one peer that wait: as a leader for a quorum, as a follower for its leader, and in
/// either role until the entries that they must see are applied (§6.4).
///
/// Reads are numbered in the order in which they came. A leader notes its commit index with each
/// (`wait_for_quorum`), sends the newest number with the next round of messages (`send_round`), and
/// takes those that a quorum has answered (`pop_confirmed`). A follower asks its leader for all
/// that came so far (`ask_leader`) and takes the answer (`hear_answer`). No read survives a change
/// of role, term or leader (`lose_all`).
class ReadQueue {
public:
  /// One that a leader holds.
  struct Waiting {
    ReadId id{};
    Index index{};               ///< It must see the entries up to here.
    PeerId asker = nobody;       ///< The follower that asked, unless it was our own client...
    ReadIndexRequest request{};  ///< ...and its request.
  };
  enum class Answer : std::uint8_t {
    fresh,
    stale,    ///< It answers an earlier life of this peer, or what is answered already.
    nonsense  ///< It answers what was never asked.
  };

  /// `boot` is drawn at each start: an answer to an earlier life of this peer counts for nothing.
  explicit ReadQueue(std::uint64_t boot) : boot_(boot) {}

  /// Loses all that wait, and answers none of them.
  void lose_all();

  // While leading.
  /// Whether the leader takes no more reads.
  bool is_full() const;
  /// Whether reads of our own clients wait for a quorum.
  bool own_reads_wait() const { return !waiting_.empty() && waiting_.front().id <= own_; }
  /// A read of our own client that must see the entries up to `index`.
  ReadId wait_for_quorum(Index index);
  /// The same for reads of the follower `asker`, to which the answer goes.
  void wait_for_quorum(Index index, PeerId asker, const ReadIndexRequest& request);
  /// A read that needs no quorum. Only while `own_reads_wait()` is false: a read that is ready
  /// includes all of our own before it.
  ReadId ready_at_once(Index index);
  /// The newest that waits; 0 if none does.
  ReadId newest() const { return waiting_.empty() ? ReadId{} : waiting_.back().id; }
  /// The newest that any round has carried.
  ReadId sent() const { return sent_; }
  bool round_is_due() const { return newest() > sent_; }
  /// The messages that leave now carry `newest()`.
  void send_round();
  /// Rounds that carried reads, since the start.
  std::uint64_t rounds() const { return rounds_; }
  /// A quorum has answered messages that carried all reads up to `answered`. Makes those of our own
  /// clients ready. Returns the first that a follower asked for, which is to be answered; call this
  /// until it returns nothing.
  std::optional<Waiting> pop_confirmed(ReadId answered);

  // While following.
  /// Takes a read that the leader is to be asked about; nothing if too many wait.
  std::optional<ReadId> wait_for_leader();
  /// Whether to ask the leader: reads have come since it was asked last, or no answer came within
  /// `patience`. Either message may be lost, or the leader may not be able to tell yet.
  bool should_ask_leader(Time now, Duration patience) const;
  /// When `should_ask_leader` becomes true by time alone.
  Time ask_deadline(Duration patience) const;
  ReadIndexRequest ask_leader(Time now);
  /// Takes the leader's answer. What it answers is ready then.
  Answer hear_answer(const ReadIndexResponse& response);

  // In either role.
  /// Whether there are reads to answer from a state that has applied `applied`.
  bool is_ready(Index applied) const { return !ready_.empty() && ready_.front().index <= applied; }
  /// Requires: `is_ready`.
  ReadReady pop_ready();

private:
  ReadId draw();
  void make_ready(ReadId upto, Index index);

  std::uint64_t boot_;
  ReadId last_{};
  std::list<Waiting> waiting_{};  ///< A list: an empty deque takes 0.6 KB, in each idle peer.
  ReadId sent_{};
  ReadId own_{};       ///< The newest of our own clients' that waits, or did.
  ReadId asked_{};     ///< The newest that the leader was asked about...
  Time asked_at_{};    ///< ...and when.
  ReadId answered_{};  ///< The newest that it answered, or that was lost.
  std::list<ReadReady> ready_{};
  std::uint64_t rounds_ = 0;
};

}  // namespace troupe
