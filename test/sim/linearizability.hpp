#pragma once

#include "core/types.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::sim {

// Is there an order of the operations that one object without copies could have gone through, so
// that each takes effect between its call and its return (§6.3)? The search is that of Wing and
// Gong with Lowe's memory of configurations. It trusts no index that a peer tells, only what
// clients saw.

/// When a client asked, and when it was told. An operation at the very moment at which another
/// returns may have come before it.
struct Interval {
  Time called{};
  Time returned = never;  ///< `never`: in doubt. It takes effect any time after, or not at all.

  bool is_in_doubt() const { return returned == never; }
};

/// The object's state, as a number. Models with larger states number those that they meet.
using ObjectState = std::uint64_t;

/// Whether the client was told what came of its operation.
enum class Told : std::uint8_t { result, nothing };

/// The state after `operation` took effect in `state`; nothing if the result that was told could
/// not have come about there.
using ObjectStep =
    std::function<std::optional<ObjectState>(ObjectState, std::size_t operation, Told)>;

struct SearchLimits {
  std::size_t configurations_max = 1 << 21;  ///< Of 16 bytes each; at most six times that is held.
  std::uint64_t steps_max = 100'000'000;
};

enum class Legality : std::uint8_t {
  legal,
  illegal,
  unknown,  ///< A limit was reached. The caller has shown nothing, and should say so.
};

std::string_view name(Legality legality);

struct Linearizability {
  Legality legality = Legality::legal;
  std::size_t configurations = 0;  ///< Remembered by the largest search.
  /// If illegal: operations that cannot all be as they were told, in order of their calls, as few
  /// as could be found. What else was asked until `broken_at` does not help, whenever it took
  /// effect.
  std::vector<std::size_t> offending{};
  Time broken_at = never;  ///< If illegal: when a client was told what could not be.
};

/// Searches the operations of one object, all at once. At any time it may also come to be in one
/// of the states of `jumps`, for reasons of its own.
Linearizability search(const std::vector<Interval>& operations, ObjectState initial,
                       const ObjectStep& step, const SearchLimits& limits,
                       const std::vector<ObjectState>& jumps = {});

/// The same, and if illegal names the offending part. An operation is left out if the history is
/// illegal even if nothing is claimed of it: not when it took effect, nor how often, nor why it
/// could, nor what came of it.
Linearizability search_and_explain(const std::vector<Interval>& operations, ObjectState initial,
                                   const ObjectStep& step, const SearchLimits& limits);

/// Checks a history of many objects, each by itself: a history is linearizable if it is for every
/// object. A model has
///   Operation                     with a member `Interval interval`,
///   key(operation)                of which object it is,
///   initial()                     the state of each object, and
///   step(state, operation, told)  as in ObjectStep.
template <class Model>
Linearizability check_history(const Model& model,
                              const std::vector<typename Model::Operation>& history,
                              const SearchLimits& limits = {}) {
  std::map<decltype(model.key(history.front())), std::vector<std::size_t>> objects;
  for (std::size_t i = 0; i < history.size(); ++i)
    objects[model.key(history[i])].push_back(i);
  Linearizability worst;
  for (const auto& [key, members] : objects) {
    std::vector<Interval> intervals;
    for (const std::size_t member : members)
      intervals.push_back(history[member].interval);
    const ObjectStep step = [&, &members = members](ObjectState state, std::size_t operation,
                                                    Told told) {
      return model.step(state, history[members[operation]], told);
    };
    Linearizability found = search_and_explain(intervals, model.initial(), step, limits);
    worst.configurations = std::max(worst.configurations, found.configurations);
    // What is shown to be wrong matters more than what could not be decided.
    if (found.legality == Legality::illegal) {
      for (std::size_t& operation : found.offending)
        operation = members[operation];
      return found;
    }
    if (found.legality == Legality::unknown)
      worst.legality = Legality::unknown;
  }
  return worst;
}

}  // namespace troupe::sim
