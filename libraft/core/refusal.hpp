#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace troupe {

/// Why something that was asked for was not done. *Never happened* means that a
/// retry is safe; only `unknown_outcome` and `timeout` leave a command in doubt.
/// Values travel on the wire: append only.
enum class Refusal : std::uint8_t {
  none = 0,
  /// We do not lead. Never happened; ask the leader in the detail, if any.
  redirect = 1,
  /// No leader yet: a vote is under way. Never happened; retry soon.
  election_in_progress = 2,
  /// The configuration proposed does not hold the peer it was proposed to. Never happened.
  must_be_in_consensus_group = 3,
  /// Another change of configuration is not committed yet. Never happened; retry later.
  configuration_in_progress = 4,
  /// Bounded buffers are full. Never happened; retry later.
  busy = 5,
  /// The leader was lost after it took the command. It may or may not have
  /// happened; only a read can tell.
  unknown_outcome = 6,
  /// No answer within the caller's timeout. As `unknown_outcome`. With a detail, what was asked
  /// for was tried in vain, and all is as before: newcomers did not catch up, a voter did not take
  /// over.
  timeout = 7,
  /// The node runs no peer of this name. Never happened.
  no_peer = 8,
  /// No connection to the node in the detail. Never happened.
  unreachable = 9,
  /// A peer of this name runs already. The peer is as it was.
  already_started = 10,
  /// The program has no such kind of resource. Never happened.
  unknown_kind = 11,
  /// No entry at this index. Nothing to retry.
  not_found = 12,
  /// The request does not decode, or asks for something malformed. Never
  /// happened, and never will as it stands.
  invalid = 13,
  /// The command is larger than the limit in the detail. Never happened.
  too_large = 14,
  /// The peer's disk failed; the peer has stopped. As `unknown_outcome` for
  /// what was asked before.
  disk_failed = 15,
  /// The resource itself said no; its reason is in the detail. It happened:
  /// the refusal is the reply, the same on every replica.
  resource = 16,
  /// The node is shutting down. Never happened.
  stopping = 17,
  /// The disk is full: the peer's own, or those of so many that no quorum could keep it. Never
  /// happened; reads are answered, and commands as soon as there is room.
  no_space = 18,
  /// The node has as many peers as it may, running or not; the detail says how many. Never
  /// happened; delete one.
  too_many_peers = 19,
};

/// As users see it after "error ": "election_in_progress".
std::string_view name(Refusal refusal);

/// A value, or the reason why there is none. Ignoring one is a mistake.
template <class T>
class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::move(value)) {}              // NOLINT: reads well.
  Result(Refusal refusal) : state_(Failure{refusal, {}}) {}  // NOLINT: reads well.
  Result(Refusal refusal, std::string detail) : state_(Failure{refusal, std::move(detail)}) {}

  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  const T& operator*() const& { return std::get<T>(state_); }
  T& operator*() & { return std::get<T>(state_); }
  T&& operator*() && { return std::get<T>(std::move(state_)); }
  const T* operator->() const { return &std::get<T>(state_); }
  T* operator->() { return &std::get<T>(state_); }
  Refusal refusal() const { return *this ? Refusal::none : std::get<Failure>(state_).refusal; }
  std::string detail() const { return *this ? std::string{} : std::get<Failure>(state_).detail; }

private:
  struct Failure {
    Refusal refusal;
    std::string detail;
  };
  std::variant<T, Failure> state_;
};

}  // namespace troupe
