#pragma once

#include "core/log.hpp"
#include "core/output.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"

#include <list>
#include <optional>

namespace troupe::sim {
class EngineDigest;
}

namespace troupe {

/// Between one peer and its store: what no write holds yet, the writes that are under way, and how
/// far the log is durable. The peer never waits for its disk (§10.2.1).
///
/// The engine says what has changed in memory, and takes a write that holds all of it. Writes
/// become durable in their order. The log may be truncated while a write of its old tail is under
/// way. Then `persisted` does not count that tail when the write is done, even if the same entries
/// have come back: the truncation may be on its way to the disk, and the entries behind it.
class WriteQueue {
public:
  /// A log that ends at `last` is durable.
  explicit WriteQueue(Index last = {}) : handed_(last), persisted_(last) {}

  // What changed since the last write. What was appended shows in the log.
  void hard_state_changed() { hard_state_changed_ = true; }
  void snapshot_changed() { snapshot_changed_ = true; }
  /// There is no snapshot any more.
  void snapshot_forgotten() { snapshot_changed_ = false; }
  /// `from` and all after it are gone from the log, which ends with `last` now.
  void truncated(Index from, EntryId last);
  /// The log begins anew behind `before`, with the next write. Of the old one only what is
  /// committed is also in the new one: up to `committed`.
  void restarted(EntryId before, EntryId committed);

  /// Whether anything changed, given where the log ends.
  bool is_dirty(Index last) const;
  /// A write of all that changed. The snapshot is only looked at if it changed.
  Write take(const HardState& hard_state, const Log& log,
             const std::optional<SnapshotHead>& snapshot, Time now);
  /// All writes up to `write` are durable. Returns the last entry that a snapshot in them covers, 0
  /// if none holds one: the log may be cut behind it.
  Index done(WriteId write, const Log& log);

  /// The log is durable up to here.
  Index persisted() const { return persisted_; }
  /// The last write that was taken.
  WriteId taken() const { return taken_; }
  /// The last write that is durable.
  WriteId done() const { return done_; }
  /// When this write is durable, so is all that has changed by now.
  WriteId covering(Index last) const;
  bool hard_state_is_durable() const;

  /// The oldest write that is under way.
  struct UnderWay {
    WriteId id{};
    EntryId last{};  ///< Where the log ended with it, less what was truncated since.
    bool hard_state = false;
    Time at{};        ///< When it was taken.
    Index covered{};  ///< By the snapshot that it holds; 0 if it holds none.
  };
  const std::list<UnderWay>& under_way() const { return under_way_; }
  /// Whether the oldest write takes `longest` or longer.
  bool stalls(Time now, Duration longest) const;

private:
  /// Of the simulator, which must tell all states apart.
  friend class sim::EngineDigest;

  WriteId taken_{};
  WriteId done_{};
  bool hard_state_changed_ = false;
  bool snapshot_changed_ = false;
  bool restarts_ = false;  ///< The log begins anew behind the snapshot, with the next write.
  std::optional<Index> truncated_from_{};
  Index handed_{};  ///< The log up to here is in writes that were taken.
  Index persisted_{};
  std::list<UnderWay> under_way_{};  ///< A list: an empty deque takes 0.6 KB, in each idle peer.
};

}  // namespace troupe
