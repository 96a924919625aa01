#pragma once

/// The bytes of a snapshot; which lies where is described in snapshot.fbs. Internal to this layer.
/// Knows no files: errors say which piece is wrong, the caller adds the file.

#include "core/snapshot.hpp"
#include "storage/record.hpp"
#include "storage/snapshots/snapshots.hpp"

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

/// Where in a snapshot a record starts, and what was before it.
struct SnapshotPosition {
  std::uint64_t number = 0;
  std::uint64_t offset = 0;
  Chain chain{};
};

/// Makes the bytes of a snapshot, from front to end.
class SnapshotWriter {
public:
  explicit SnapshotWriter(SnapshotPlace place) : place_(std::move(place)) {}

  std::vector<std::uint8_t> title(const SnapshotTitle& title);
  /// What stands in front of `piece`, which follows it.
  std::vector<std::uint8_t> head_of(Value piece);
  std::vector<std::uint8_t> end();
  /// Requires `end`.
  SnapshotHead head() const;

private:
  SnapshotPlace place_;
  SnapshotPosition at_{};
};

/// Reads the bytes of a snapshot from front to end, in any portions, and checks all of them. Holds
/// nothing of it but the title.
class SnapshotScanner {
public:
  SnapshotScanner();

  /// What is wrong in what was given so far. Nothing may follow then.
  Problem feed(Value bytes);
  /// What is wrong with the whole as the snapshot `head`, once there is no more.
  Problem finish(const SnapshotHead& head) const;
  /// Forgets what came behind `sound_upto`, damaged or not: it may be given again.
  void rewind();
  /// How far there are whole records, all of them sound.
  std::uint64_t sound_upto() const { return at_.offset; }
  const SnapshotTitle& title() const { return title_; }

private:
  struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  Value take_head(Value bytes);
  Problem begin_part();
  Value take_part(Value bytes);
  Problem end_part();

  SnapshotPosition at_{};  ///< Of the record that is being read.
  bool complete_ = false;
  std::vector<std::uint8_t> head_{};  ///< As much of the record's head as has come.
  std::uint64_t part_left_ = 0;
  std::uint32_t checksum_ = 0;
  std::unique_ptr<XXH3_state_t, FreeState> hash_;
  std::vector<std::uint8_t> title_bytes_{};
  SnapshotTitle title_{};
};

/// Gives `length` bytes from `offset` on, or fewer where there are no more.
using ReadBytes = std::function<Outcome<Bytes>(std::uint64_t offset, std::size_t length)>;

/// Whether what `read` gives ends as the snapshot `head` does; its title, if so.
Outcome<SnapshotTitle> read_title(const ReadBytes& read, const SnapshotHead& head);

/// Reads pieces where it is told to, and sees that those that it reads one behind the other are of
/// one snapshot, which is the one it is asked for.
class PieceReader {
public:
  /// The piece at `offset`, 0 for the first.
  Outcome<SnapshotPiece> read(const ReadBytes& read, const SnapshotHead& head,
                              std::uint64_t offset);

private:
  SnapshotHead head_{};
  SnapshotPosition next_{};  ///< Behind the piece that was read last.
};

/// The error `what` in record `number` at `offset`.
StoreError corrupt_at(std::uint64_t number, std::uint64_t offset, const std::string& what);

}  // namespace troupe::storage
