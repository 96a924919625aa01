#pragma once

/// The values in an LMDB environment as bytes; which lies where is described in record.fbs.
/// Internal to this room. Knows no LMDB. Errors say what is wrong, the caller adds where.

#include "core/entry.hpp"
#include "core/output.hpp"
#include "core/types.hpp"
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

/// Stands for a record and all that came before it in its log.
using Chain = Number<struct ChainTag>;

/// Where a log ends.
struct Tail {
  EntryId last{};
  Chain chain{};
  friend bool operator==(const Tail&, const Tail&) = default;
};

/// The tail of the empty log of `peer`.
Tail empty_tail(PeerId peer);

// ---- entries

/// A record as it lies in the environment.
struct StoredEntry {
  EntryId id{};
  EntryKind kind = EntryKind::noop;
  Value payload{};
  Chain chain{};
};

std::size_t record_size(const Entry& entry);
/// Writes the record of `entry` behind `tail` to `to`, which has `record_size(entry)` bytes, and
/// moves `tail` to it.
void write_record(const Entry& entry, Tail& tail, std::span<std::uint8_t> to);
/// Checks what can be seen in the record alone.
Problem read_record(Value value, StoredEntry& to);
/// Checks that `entry` continues a log that ends in `tail`, and moves `tail` to it.
Problem follow(const StoredEntry& entry, Tail& tail);

// ---- everything else

struct PeerState {
  HardState hard_state{};
  Tail tail{};
};
std::vector<std::uint8_t> write_state(PeerId peer, const PeerState& state);
Problem read_state(Value value, PeerId peer, PeerState& to);

std::vector<std::uint8_t> write_commit(std::uint64_t transaction);
Problem read_commit(Value value, std::uint64_t& transaction);

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
