#include "test/sim/linearizability.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace troupe::sim {

namespace {

/// Of a history that is illegal, what is enough for it to be.
class Explanation {
public:
  Explanation(const std::vector<Interval>& operations, ObjectState initial, const ObjectStep& step)
      : operations_(operations), initial_(initial), step_(step) {
    for (std::size_t i = 0; i < operations.size(); ++i)
      kept_.push_back(i);
    std::stable_sort(kept_.begin(), kept_.end(), [&](std::size_t a, std::size_t b) {
      return operations[a].called < operations[b].called;
    });
  }

  void find(Linearizability& found) {
    cut();
    if (find_states())
      shrink();
    found.offending = kept_;
    found.broken_at = cut_at_;
  }

private:
  /// Nothing that takes longer is worth a shorter explanation.
  static constexpr SearchLimits limits{.configurations_max = 1 << 18, .steps_max = 4'000'000};
  static constexpr std::size_t steps_max = 400'000'000;

  void shrink() {
    keep_last();
    for (std::size_t piece = std::bit_ceil(kept_.size()); piece > 0; piece /= 2)
      for (std::size_t from = 0; from < kept_.size();)
        if (!try_without(from, std::min(kept_.size(), from + piece)))
          from += piece;
  }

  /// The history up to a moment is illegal or it is not, and stays illegal: so the first such
  /// moment can be found by halving.
  void cut() {
    std::vector<Time> moments;
    for (const Interval& operation : operations_)
      if (!operation.is_in_doubt())
        moments.push_back(operation.returned);
    std::sort(moments.begin(), moments.end());
    const auto first = std::partition_point(moments.begin(), moments.end() - 1, [&](Time moment) {
      return search(until(moment), initial_, step_, limits).legality != Legality::illegal;
    });
    std::vector<Interval> rest = until(*first);
    if (search(rest, initial_, step_, limits).legality != Legality::illegal)
      return;  // The limits are too narrow to show it.
    operations_ = std::move(rest);
    cut_at_ = *first;
    // What was not even called by then says nothing.
    std::erase_if(kept_, [&](std::size_t i) { return operations_[i].called > *first; });
  }

  std::vector<Interval> until(Time moment) const {
    std::vector<Interval> seen = operations_;
    for (Interval& operation : seen)
      if (operation.returned > moment)
        operation.returned = never;
    return seen;
  }

  /// All states that the object can be in, and which each operation can leave behind. False if
  /// they are too many.
  bool find_states() {
    left_by_.resize(operations_.size());
    std::vector<ObjectState> states{initial_};
    for (std::size_t at = 0; at < states.size(); ++at) {
      if ((at + 1) * kept_.size() > steps_max)
        return false;
      for (const std::size_t operation : kept_) {
        const auto state = step_(states[at], operation, Told::nothing);
        if (!state || *state == states[at] || !left_by_[operation].insert(*state).second)
          continue;
        if (known_.insert(*state).second)
          states.push_back(*state);
      }
    }
    return true;
  }

  /// What contradicts is mostly near the end. So much of the end is kept as contradicts itself.
  void keep_last() {
    for (std::size_t length = 1; length < kept_.size(); length *= 2)
      if (try_without(0, kept_.size() - length))
        return;
  }

  bool try_without(std::size_t from, std::size_t to) {
    std::vector<std::size_t> rest = kept_;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(from),
               rest.begin() + static_cast<std::ptrdiff_t>(to));
    if (!is_illegal(rest))
      return false;
    kept_ = std::move(rest);
    return true;
  }

  /// If nothing is claimed of all but `claimed`.
  bool is_illegal(const std::vector<std::size_t>& claimed) const {
    std::vector<Interval> intervals;
    for (const std::size_t operation : claimed)
      intervals.push_back(operations_[operation]);
    std::set<ObjectState> jumps;
    std::vector<bool> is_claimed(operations_.size());
    for (const std::size_t operation : claimed)
      is_claimed[operation] = true;
    for (std::size_t i = 0; i < left_by_.size(); ++i)
      if (!is_claimed[i])
        jumps.insert(left_by_[i].begin(), left_by_[i].end());
    const ObjectStep step = [&](ObjectState state, std::size_t operation, Told told) {
      return step_(state, claimed[operation], told);
    };
    return search(intervals, initial_, step, limits, {jumps.begin(), jumps.end()}).legality
           == Legality::illegal;
  }

  std::vector<Interval> operations_;
  ObjectState initial_;
  const ObjectStep& step_;
  std::vector<std::size_t> kept_{};
  Time cut_at_ = never;
  std::vector<std::set<ObjectState>> left_by_{};  ///< By each operation, if it changes anything.
  std::set<ObjectState> known_{initial_};
};

}  // namespace

Linearizability search_and_explain(const std::vector<Interval>& operations, ObjectState initial,
                                   const ObjectStep& step, const SearchLimits& limits) {
  Linearizability found = search(operations, initial, step, limits);
  if (found.legality == Legality::illegal)
    Explanation(operations, initial, step).find(found);
  return found;
}

}  // namespace troupe::sim
