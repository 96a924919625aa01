#pragma once

#include "actors/machine/messages.hpp"
#include "actors/runtime/replies.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

namespace troupe::actors {

/// What a peer holds back at most; beyond either it refuses.
struct HeldReadsLimits {
  std::size_t calls_max = 65536;
  std::size_t bytes_max = std::size_t{16} << 20;
};

/// Sequential queries that ask for a later state than their peer has reached. They wait for the log
/// alone, whichever peer leads in whichever term.
class HeldReads {
public:
  HeldReads() = default;
  explicit HeldReads(HeldReadsLimits limits) : limits_(limits) {}

  /// Holds `calls` until the state has reached `seen`. `deadline` is not before that of any earlier
  /// call. Keeps copies of the questions: each is a slice of all that its connection read at once.
  /// False, and nothing is held, beyond the limits.
  bool add(Index seen, Time deadline, const caf::actor& connection,
           const std::vector<wire::Call>& calls, Ticket ticket = {});

  bool empty() const { return by_seen_.empty(); }
  /// Whether someone waits for `reached` or less.
  bool any_upto(Index reached) const {
    return !empty() && by_seen_.begin()->first.first <= reached;
  }
  /// When someone will have waited for too long; `never` if nobody waits.
  Time deadline() const { return by_deadline_.empty() ? never : by_deadline_.front().first; }

  /// The queries of all calls that wait for `reached` or less.
  Ask take(Index reached);

  /// Refuses, as `timeout`, all whose deadline is reached.
  void refuse_late(Time now, Replies& replies);
  void lose_all(Refusal refusal, Replies& replies);

private:
  using Key = std::pair<Index, std::uint64_t>;  ///< What is waited for, and a number.
  struct Batch {
    caf::actor connection{};
    std::vector<wire::Call> calls{};
    std::size_t bytes = 0;
    Ticket ticket{};
  };

  Batch remove(std::map<Key, Batch>::iterator at);

  HeldReadsLimits limits_{};
  std::uint64_t last_number_ = 0;
  std::size_t calls_ = 0;
  std::size_t bytes_ = 0;
  std::map<Key, Batch> by_seen_{};
  /// In the order in which they came; some of them may have been answered since.
  std::list<std::pair<Time, Key>> by_deadline_{};
};

}  // namespace troupe::actors
