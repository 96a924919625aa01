#pragma once

#include "core/bytes.hpp"
#include "core/entry.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace troupe {

/// "Would you vote for me in the message's term?" Changes nothing at either
/// side (§9.6). `Message::term` is the term that the sender would campaign in.
struct PreVoteRequest {
  EntryId last{};  ///< Where the sender's log ends.
  friend bool operator==(const PreVoteRequest&, const PreVoteRequest&) = default;
};
struct PreVoteResponse {
  bool granted = false;
  Term asked{};  ///< The term of the request, so that a late answer counts for nothing else.
  friend bool operator==(const PreVoteResponse&, const PreVoteResponse&) = default;
};

/// "Vote for me in this term" (§3.4).
struct VoteRequest {
  EntryId last{};
  /// The leader asked the sender to campaign (§3.10): a peer that still hears
  /// that leader answers all the same.
  bool transfer = false;
  friend bool operator==(const VoteRequest&, const VoteRequest&) = default;
};
struct VoteResponse {
  bool granted = false;
  friend bool operator==(const VoteResponse&, const VoteResponse&) = default;
};

/// Entries for a follower to append after `previous`; without entries, a heartbeat (§3.5).
struct AppendRequest {
  EntryId previous{};
  Index commit{};  ///< The leader's commit index.
  std::vector<Entry> entries{};
  /// The newest read waiting for us to confirm who leads; 0 if none (§6.4).
  ReadId read{};
  /// To a standby, which holds no log to read it from: the configuration in force, encoded.
  Bytes members{};
  /// By the leader's clock. The follower gives it back and makes nothing of it (§6.4.1).
  Time sent_at{};
  /// All who are sent the log hold it durably up to here: what entries up to this one released may
  /// become holes (§5.3).
  Index floor{};
  Index horizon{};  ///< Of the leader's log, and so of what it sends.
  /// "There is nothing to do." Who holds all that is committed, and nothing else, may stop waiting
  /// for us, and says so.
  bool quiet = false;
  /// The last entry up to which the receiver has accepted the log in this term, as far as the
  /// leader has heard. A receiver that lacks it was set back (docs/decisions/0009).
  EntryId acknowledged{};
  friend bool operator==(const AppendRequest&, const AppendRequest&) = default;
};

/// The follower's log agrees with the leader's up to and including `matched`,
/// durably.
struct Accepted {
  Index matched{};
  friend bool operator==(const Accepted&, const Accepted&) = default;
};
/// The follower's log holds no entry `previous`. `hint` is the last entry of
/// the follower whose term is not above `previous.term` and whose index is not
/// above `previous.index`: the logs can only agree at or before it, so a whole
/// term is skipped in one message (§3.5, "if desired").
struct Rejected {
  EntryId previous{};
  EntryId hint{};
  friend bool operator==(const Rejected&, const Rejected&) = default;
};
struct AppendResponse {
  std::variant<Rejected, Accepted> verdict{};
  ReadId read{};   ///< From the request: the sender knew us as leader after this read was queued.
  Time sent_at{};  ///< From the request.
  /// For so long after it heard the request, and so after `sent_at`, the sender helps nobody else
  /// to lead, come what may (§6.4.1). 0 promises nothing.
  Duration promised{};
  /// The sender has lost its replicated state and asks for a snapshot that covers at least this
  /// entry; 0 if it has not. Its log is sound: the verdict stands.
  Index wants_snapshot{};
  /// The sender's disk is full. What it accepts is durable all the same.
  bool disk_full = false;
  /// The sender holds all that is committed and waits for its leader no more: it is up to the node
  /// around it to tell whether that is still there (`Silent`).
  bool quiet = false;
  /// The sender has lost what it acknowledged, and counts for nothing. Only with a rejection.
  bool set_back = false;
  friend bool operator==(const AppendResponse&, const AppendResponse&) = default;
};

/// "Campaign now, without asking first" (§3.10).
struct TimeoutNow {
  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};

/// "From which index may I answer my reads?" (§6.4: followers serve reads, too)
struct ReadIndexRequest {
  ReadId upto{};  ///< All reads that the sender was asked for by now.
  /// Drawn when the sender started: an answer to one of its earlier lives must not count.
  std::uint64_t boot = 0;
  friend bool operator==(const ReadIndexRequest&, const ReadIndexRequest&) = default;
};
/// The sender led after it got the request, and had committed no more than `index` by then.
struct ReadIndexResponse {
  ReadId upto{};           ///< From the request.
  std::uint64_t boot = 0;  ///< Likewise.
  Index index{};
  friend bool operator==(const ReadIndexResponse&, const ReadIndexResponse&) = default;
};

/// Bytes of the leader's snapshot, for a follower that needs entries which were cut (§5.1).
/// Without data it asks how much of it the follower has.
struct SnapshotChunk {
  SnapshotHead head{};
  std::uint64_t offset = 0;
  Bytes data{};
  friend bool operator==(const SnapshotChunk&, const SnapshotChunk&) = default;
};
/// The follower has the first `upto` bytes of the snapshot; the leader goes on from there.
struct SnapshotResponse {
  SnapshotId id{};
  std::uint64_t offset = 0;  ///< Of the chunk that this answers.
  std::uint64_t upto = 0;
  bool corrupt = false;  ///< All had come, and was damaged: the follower has thrown it away.
  friend bool operator==(const SnapshotResponse&, const SnapshotResponse&) = default;
};

using Body = std::variant<PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse, AppendRequest,
                          AppendResponse, TimeoutNow, ReadIndexRequest, ReadIndexResponse,
                          SnapshotChunk, SnapshotResponse>;

/// What peers say to each other. Messages may be lost, repeated and reordered.
struct Message {
  ClusterId cluster{};
  PeerId from{};
  PeerId to{};
  Term term{};  ///< The sender's term; of a pre-vote request, the term it would campaign in.
  Body body{};
  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace troupe
