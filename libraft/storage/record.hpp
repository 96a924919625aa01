#pragma once

/// The values in an LMDB environment as bytes; which lies where is described in record.fbs.
/// Internal to this layer. Knows no LMDB. Errors say what is wrong, the caller adds where.

#include "core/entry.hpp"
#include "core/output.hpp"
#include "core/snapshot.hpp"
#include "core/types.hpp"
#include "storage/holes.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

/// Of the environment. A higher number is refused by older programs.
inline constexpr std::uint32_t store_format = 1;

using Value = std::span<const std::uint8_t>;
using Problem = std::optional<StoreError>;

/// An end of a log, the entry there and its chain.
struct Tail {
  EntryId last{};
  Chain chain{};
  friend bool operator==(const Tail&, const Tail&) = default;
};

/// The tail of the empty log of `peer`.
Tail empty_tail(PeerId peer);
/// The tail of the log of `peer` that starts behind a snapshot of `last` and holds nothing yet.
Tail tail_behind(PeerId peer, EntryId last);

// ---- entries

/// A record as it lies in the environment.
struct StoredEntry {
  EntryId id{};
  EntryKind kind = EntryKind::noop;
  Value payload{};
  Chain chain{};
  Holes holes{};  ///< If it is of kind `released`; `id` is that of the first then.
};
/// Of the last entry that the record stands for.
EntryId last_of(const StoredEntry& entry);
std::uint64_t holes_in(const StoredEntry& entry);

std::size_t record_size(const Entry& entry);
/// Writes the record of `entry`, which is no hole, behind `tail` to `to`, which has
/// `record_size(entry)` bytes, and moves `tail` to it.
void write_record(const Entry& entry, Tail& tail, std::span<std::uint8_t> to);
/// The record of `holes`.
std::vector<std::uint8_t> write_holes(const Holes& holes);
/// The chain of a hole that comes as one, behind `previous`.
Chain chain_of_hole(EntryId id, Chain previous);
/// Checks what can be seen in the record alone.
Problem read_record(Value value, StoredEntry& to);
/// Checks that `entry` continues a log that ends in `tail`, and moves `tail` to it.
Problem follow(const StoredEntry& entry, Tail& tail);

// ---- everything else

struct PeerState {
  HardState hard_state{};
  Tail before{};  ///< What the first entry follows.
  Tail tail{};
  std::uint64_t holes = 0;
  std::uint64_t snapshot_hash = 0;
  friend bool operator==(const PeerState&, const PeerState&) = default;
};
/// Of a peer that has written nothing.
PeerState empty_state(PeerId peer);
std::vector<std::uint8_t> write_state(PeerId peer, const PeerState& state);
Problem read_state(Value value, PeerId peer, PeerState& to);

std::vector<std::uint8_t> write_snapshot(const SnapshotHead& head);
Problem read_snapshot(Value value, SnapshotHead& to);
/// What a state knows of the value of its snapshot. Never 0.
std::uint64_t hash_snapshot(Value value);

struct Commit {
  std::uint64_t transaction = 0;
  std::uint64_t journal = 0;  ///< The last record of the journal that is in here.
};
std::vector<std::uint8_t> write_commit(const Commit& commit);
Problem read_commit(Value value, Commit& to);

struct Meta {
  std::uint64_t created_s = 0;
  std::uint64_t peers = 0;
  std::uint64_t peers_hash = 0;
};
std::vector<std::uint8_t> write_meta(const Meta& meta);
/// Refuses a format that we do not know with `StoreError::Kind::version`.
Problem read_meta(Value value, Meta& to);

std::vector<std::uint8_t> write_peer(const PeerRecord& peer);
Problem read_peer(Value value, PeerRecord& to);
/// The hash over `values` so far, extended by one.
std::uint64_t hash_peer(Value value, std::uint64_t so_far);

StoreError corrupt(std::string text);

}  // namespace troupe::storage
