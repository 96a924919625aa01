#pragma once

#include "core/entry.hpp"
#include "core/message.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// What must survive a crash besides the log (§3.4): without it a peer could
/// vote twice in a term, or join a second cluster.
struct HardState {
  Term term{};
  PeerId voted_for{};
  ClusterId cluster{};
  /// What made the holes of this log is in entries up to this one (§5.3): a state that has applied
  /// less may never have been. 0 without holes.
  Index horizon{};
  /// The disk held less than this peer had acknowledged: it votes and accepts no more
  /// (docs/decisions/0009).
  bool set_back = false;
  friend bool operator==(const HardState&, const HardState&) = default;
};

/// One step of a peer's store: all of it or none, in the order of the fields.
/// Writes are handed out in the order of their ids and must become durable in
/// that order.
struct Write {
  WriteId id{};
  HardState hard_state{};  ///< As it is after this write.
  /// This snapshot counts from here on; its bytes are durable already.
  std::optional<SnapshotHead> snapshot{};
  /// The whole log goes: what is appended follows the last entry of `snapshot`, which is set, too.
  bool restart = false;
  std::optional<Index> truncate_from{};  ///< This entry and all after it go...
  std::vector<Entry> entries{};          ///< ...then these are appended.
  /// These become holes: `EntryKind::released`, with their ids but without payload. Sorted.
  std::vector<Index> released{};
  /// Entries before this one go. Never past the end of `snapshot` or of an earlier write's.
  std::optional<Index> cut_before{};
};

/// All reads up to and including `upto` may be answered from a state that has
/// applied `index`.
struct ReadReady {
  ReadId upto{};
  Index index{};
};

/// Bytes of our snapshot for a follower: `message` holds a `SnapshotChunk` without its data, to be
/// filled in with the `length` bytes from the offset that it names, and sent. With a length of 0 it
/// is a question, and must not overtake the chunks in front of it: its answer tells what was lost.
struct ChunkToSend {
  Message message{};
  std::size_t length = 0;
};

/// Bytes of a leader's snapshot, in their order; each is answered with a `ChunkStored`, also one
/// that is empty or out of order.
struct ChunkToStore {
  SnapshotHead head{};
  std::uint64_t offset = 0;
  Bytes data{};
};

/// A peer whose disk was set back, as we just found out: ourselves, or one of our followers.
struct SetBack {
  PeerId peer{};
  Index acknowledged{};  ///< What it had acknowledged to its leader in this term; 0 if unknown.
  Index last{};          ///< Where its log ends by now, at most.
};

/// What the shell around an engine must do, in the order of the fields.
///
/// Messages that promise something about our own disk (a vote, an acceptance, a
/// candidate's request) stay inside the engine until the write they depend on
/// is `Persisted`; what stands in `messages` may leave at once, beside the
/// write (§3.8, §10.2.1).
struct Output {
  std::optional<Write> write{};     ///< 1. Hand to the store; answer with `Persisted`.
  std::vector<Message> messages{};  ///< 2. Send. They may be lost.
  /// 3. The replicated state becomes what this snapshot holds; it is durable here. On a start, too.
  /// If it cannot be read: `SnapshotLost`, and what is committed behind it is not applied.
  std::optional<SnapshotHead> install{};
  std::vector<Entry> committed{};  ///< 4. Apply, in order, each exactly once.
  /// 5. Save the state as it is behind all of these; answered with `SnapshotTaken`.
  std::optional<SnapshotPlace> take_snapshot{};
  std::vector<ReadReady> reads{};             ///< 6. Answer, behind the entries they name.
  std::vector<ChunkToSend> chunks_to_send{};  ///< 7. As messages: they may be lost.
  std::vector<ChunkToStore> chunks_to_store{};
  /// A follower found damaged what we sent: read all of it, and answer with `SnapshotLost` if it
  /// is damaged here.
  std::optional<SnapshotHead> check_snapshot{};
  /// 8. Role, term or leader are not what they were: ask `view()`. Unless we lead in the same term
  /// as before, all reads that wait are lost and all proposals that wait are in doubt.
  bool role_changed = false;
  std::vector<SetBack> set_back{};  ///< 9. Tell an operator.

  bool empty() const {
    return !write && messages.empty() && !install && committed.empty() && !take_snapshot
           && reads.empty() && chunks_to_send.empty() && chunks_to_store.empty() && !check_snapshot
           && !role_changed && set_back.empty();
  }
};

}  // namespace troupe
