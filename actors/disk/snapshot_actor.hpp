#pragma once

#include "actors/disk/messages.hpp"
#include "actors/runtime/messages.hpp"
#include "storage/snapshots/snapshots.hpp"

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::actors {

/// The snapshots of a node, for all its peers. Spawn it detached: it waits for the disk.
///
/// An actor that brings or fetches pieces has one in flight at a time. So no snapshot is ever held
/// in memory, and all take turns.
class SnapshotActor : public caf::event_based_actor {
public:
  SnapshotActor(caf::actor_config& config, std::unique_ptr<storage::Snapshots> snapshots);

  caf::behavior make_behavior() override;
  const char* name() const override { return "snapshots"; }
  void on_exit() override;

private:
  /// One of a peer's own that is being written.
  struct Writing {
    caf::actor resource{};
    std::uint64_t save = 0;
    caf::actor reply_to{};
    EntryId id{};
  };

  /// Of what a peer is sent, since its disk had no room for it, or failed.
  struct Rest {
    Duration length{};  ///< The longer, the more often in a row it failed.
    bool lasts = false;
    storage::StoreError why{};
    /// Until it ends: to who brought a chunk meanwhile. A leader sends no more than its window.
    std::vector<std::pair<caf::actor, ChunkWritten>> answers{};
  };

  void on_begin(const BeginSave& message);
  void on_piece(SavePiece& message);
  void on_end(const EndSave& message);
  Writing* find(PeerId peer, const caf::actor& resource, std::uint64_t save);
  void finish(PeerId peer);
  void end(PeerId peer, storage::Outcome<SnapshotHead> outcome);
  void on_read_piece(const ReadPiece& message);
  storage::Outcome<storage::SnapshotPiece> piece(const ReadPiece& asked);
  void on_read_chunk(ReadChunk& message);
  void on_write_chunk(WriteChunk& message);
  void begin_rest(PeerId peer, storage::StoreError why);
  void on_wake(const Wake& wake);
  void on_check(const CheckSnapshot& message);
  void on_keep(const KeepSnapshot& message);
  void on_remove(const RemoveSnapshots& message);
  void finished(PeerId peer, const SnapshotHead& head);

  std::unique_ptr<storage::Snapshots> snapshots_;
  std::map<PeerId, Writing> writing_{};
  /// Of each peer the newest that was finished since we began. Its peer may not have heard of it,
  /// or not have made it count, when it speaks of an older one.
  std::map<PeerId, SnapshotHead> newest_{};
  std::map<PeerId, Rest> rests_{};  ///< Of each peer whose last chunk was not stored.
};

}  // namespace troupe::actors
