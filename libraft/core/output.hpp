#pragma once

#include "core/entry.hpp"
#include "core/message.hpp"
#include "core/types.hpp"

#include <optional>
#include <vector>

namespace troupe {

/// What must survive a crash besides the log (§3.4): without it a peer could
/// vote twice in a term, or join a second cluster.
struct HardState {
  Term term{};
  PeerId voted_for{};
  ClusterId cluster{};
  friend bool operator==(const HardState&, const HardState&) = default;
};

/// One step of a peer's store: all of it or none, in the order of the fields.
/// Writes are handed out in the order of their ids and must become durable in
/// that order.
struct Write {
  WriteId id{};
  HardState hard_state{};                ///< As it is after this write.
  std::optional<Index> truncate_from{};  ///< This entry and all after it go...
  std::vector<Entry> entries{};          ///< ...then these are appended.
};

/// All reads up to and including `upto` may be answered from a state that has
/// applied `index`.
struct ReadReady {
  ReadId upto{};
  Index index{};
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
  std::vector<Entry> committed{};   ///< 3. Apply, in order, each exactly once.
  std::vector<ReadReady> reads{};   ///< 4. Answer, behind the entries they name.
  /// 5. Role, term or leader are not what they were: ask `view()`. Unless we lead in the same term
  /// as before, all reads that wait are lost and all proposals that wait are in doubt.
  bool role_changed = false;

  bool empty() const {
    return !write && messages.empty() && committed.empty() && reads.empty() && !role_changed;
  }
};

}  // namespace troupe
