#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace troupe {

/// A 64-bit number that mixes only with its own kind. Terms and indexes are
/// both counters; nothing but the type stops one from standing in for the other.
template <class Tag>
struct Number {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Number, Number) = default;
};

using Term = Number<struct TermTag>;          ///< 0: before any election.
using Index = Number<struct IndexTag>;        ///< 0: before the first entry.
using SessionId = Number<struct SessionTag>;  ///< Index of the entry that opened it; 0: none.
using Sequence = Number<struct SequenceTag>;  ///< Counts the commands of one session from 1.
using ReadId = Number<struct ReadTag>;        ///< Counts the reads of one engine from 1; 0: none.
using WriteId = Number<struct WriteTag>;      ///< Counts the writes of one engine from 1; 0: none.

/// The identity of a peer: drawn at random when its store is created, so it
/// names one *incarnation*. A peer that lost its store comes back under its
/// old name with another id, and can neither vote nor be counted in the place
/// of the one that is gone. Never an address. 0: no peer.
using PeerId = Number<struct PeerTag>;

/// The identity of a cluster: drawn when its first configuration is proposed.
/// A message from another cluster is refused. 0: not yet part of one.
using ClusterId = Number<struct ClusterTag>;

inline constexpr PeerId nobody{};

constexpr Index next(Index i) {
  return {i.value + 1};
}
constexpr Index prev(Index i) {
  return {i.value - 1};
}

/// A slot in the log and the term that filled it. Two logs that hold the same
/// id hold the same entries up to and including it (§3.5, log matching).
/// Ordered by term, then index: exactly "more up-to-date" of §3.6.1.
struct EntryId {
  Term term{};
  Index index{};
  friend constexpr auto operator<=>(const EntryId&, const EntryId&) = default;
};

/// A point of the monotonic clock of the actor that drives the engine. The engine only
/// compares and subtracts; it never asks what time it is.
using Time = std::chrono::microseconds;
using Duration = std::chrono::microseconds;

inline constexpr Time never = Time::max();

/// How fresh the answer to a query must be. Values travel on the wire: append only.
enum class ReadLevel : std::uint8_t {
  linearizable = 0,  ///< Sees all that was acknowledged before it was asked; costs a round (§6.4).
  lease = 1,         ///< The same, without a round while the leader's lease holds (§6.4.1).
  sequential = 2,    ///< Any peer's state, never older than what the asker has seen (§6.4).
};

}  // namespace troupe
