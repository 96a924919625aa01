#pragma once

#include "core/output.hpp"
#include "core/recovered.hpp"
#include "core/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::storage {

/// What a disk did to us. The text names file, table and index, and says what is wrong there.
struct StoreError {
  enum class Kind : std::uint8_t {
    io,        ///< A read, write or sync failed: we no longer know what is durable.
    no_space,  ///< Disk full. Nothing of the transaction was written.
    corrupt,   ///< What is there is not what we wrote.
    version,   ///< Written by a format that we do not know.
    locked,    ///< Another process has the directory.
  };
  Kind kind = Kind::io;
  std::string text{};
};

template <class T>
using Outcome = std::variant<T, StoreError>;

/// A peer that has its log in this store.
struct PeerRecord {
  PeerId id{};
  std::string name{};
  std::string kind{};   ///< Of the resource that it replicates.
  bool running = true;  ///< Start it with its node. False after `stop_peer`.
  /// The options that it was last started with: names and values, for its next start to read.
  std::vector<std::pair<std::string, std::string>> options{};
  friend bool operator==(const PeerRecord&, const PeerRecord&) = default;
};

struct PeerWrite {
  PeerId peer{};
  Write write{};
};

struct StoreStats {
  std::uint64_t file_bytes = 0;  ///< On disk; 0 if there is none. Never shrinks.
  /// Of them in use: the rest will be used again. What stands in a journal does not count yet.
  std::uint64_t used_bytes = 0;
  std::uint64_t commits = 0;  ///< Transactions since the store was opened.
  bool full = false;          ///< Refuse clients that want to write more; see `make_room`.
};

/// The logs and hard states of all peers of one node, on one disk. Used by one
/// thread at a time. Two implementations ship, and one conformance test holds for
/// both (`test/storage/conformance.hpp`); a third may be supplied by a user.
class Store {
public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// All peers that were created here and not deleted, by name.
  virtual Outcome<std::vector<PeerRecord>> peers() = 0;

  /// Adds a peer or changes whether it runs. Durable when it returns. A name keeps its id and
  /// kind until its peer is deleted. Requires: no other id under this name, and no other name under
  /// this id. Fails as `write` does.
  [[nodiscard]] virtual std::optional<StoreError> put_peer(const PeerRecord& peer) = 0;

  /// Removes a peer with all that it has made durable: all of it, or none if the process dies
  /// first. Its name may be given to another. Requires: the peer was put. Fails as `write` does.
  [[nodiscard]] virtual std::optional<StoreError> delete_peer(PeerId peer) = 0;

  /// Everything `peer` has made durable, checked: each record against its checksum and its place,
  /// the log against the chain of its records and against how far it was last known to reach.
  /// What is corrupt or missing is an error and never a shorter log. An unknown peer has an empty
  /// log.
  virtual Outcome<Recovered> recover(PeerId peer) = 0;

  /// Makes all of `writes` durable in one transaction with one sync, or none of them. In order.
  /// Requires: the peers were put, and what is written continues their logs, with no term above
  /// the hard state's; what is cut is in a snapshot, and what a snapshot covers was in the log.
  ///
  /// After an error other than `no_space` we no longer know what is durable, and every further
  /// write fails with the same error; open the store again.
  ///
  /// After `no_space` nothing was written and the store is as it was: nobody may be told that any
  /// of it is durable, reading goes on, and the same writes, or more, may be tried again, say each
  /// second, until there is room; no restart is needed. Writes without entries are taken for long
  /// after: they use head-room. To get out of a full disk by oneself, a cut, and the releases and
  /// the snapshot that go with it, may be moved in front of refused writes of its peer, as a write
  /// of their own with the hard state as it was last written, if they concern only entries that
  /// were written; what they free is room for the others.
  [[nodiscard]] virtual std::optional<StoreError> write(std::span<const PeerWrite> writes) = 0;

  virtual StoreStats stats() = 0;

  /// To be asked now and then while `stats` says that the store is full: looks for room, and
  /// answers whether there is enough again. A full store goes on to take some entries, so that
  /// what was promised a place before anybody knew finds one; then it answers `no_space`.
  [[nodiscard]] virtual bool make_room() { return true; }
};

}  // namespace troupe::storage
