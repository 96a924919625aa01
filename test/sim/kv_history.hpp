#pragma once

#include "test/sim/linearizability.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// What a key holds, by number; 0: nothing.
using KvValue = std::uint64_t;

/// What a client did to one key, and what it was told.
struct KvOperation {
  enum class Action : std::uint8_t {
    get,      ///< Told: what the key held.
    set,      ///< Told: nothing.
    remove,   ///< Told: 1 if the key held something, else 0.
    compare,  ///< Sets `value` if the key holds `expected`. Told: 1 if it did, else 0.
  };

  Interval interval{};
  std::uint64_t client = 0;
  std::uint64_t key = 0;
  Action action = Action::get;
  KvValue value = 0;
  KvValue expected = 0;
  KvValue told = 0;  ///< Means nothing while in doubt.
};

/// Keys and values, one state for each key.
struct KvModel {
  using Operation = KvOperation;

  std::uint64_t key(const Operation& operation) const { return operation.key; }
  ObjectState initial() const { return 0; }
  std::optional<ObjectState> step(ObjectState state, const Operation& operation, Told told) const;
};

/// "client 3 compare k1 4->5 = 1 [100us, 250us]"
std::string text(const KvOperation& operation);

/// Nothing if clients could have seen this from one object without copies. Otherwise why not, with
/// the operations that contradict each other, or that nothing could be shown within the limits.
std::optional<std::string> broken_history(const std::vector<KvOperation>& history,
                                          const SearchLimits& limits = {});

}  // namespace troupe::sim
