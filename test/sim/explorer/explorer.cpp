#include "test/sim/explorer/explorer.hpp"

#include <cstddef>
#include <utility>

namespace troupe::sim {

namespace {

/// Of each state that was met, with how many actions left. Open addressing: there are millions.
class Met {
public:
  /// Whether the state was not met with as many actions left.
  bool note(std::uint64_t digest, unsigned left) {
    if (2 * (count_ + 1) > slots_.size())
      grow();
    Slot& slot = slot_of(digest | 1);
    if (slot.digest == 0)
      ++count_;
    else if (slot.left >= left)
      return false;
    slot = {digest | 1, left};
    return true;
  }
  std::uint64_t size() const { return count_; }

private:
  struct Slot {
    std::uint64_t digest = 0;  ///< Odd; 0: free.
    unsigned left = 0;
  };

  Slot& slot_of(std::uint64_t digest) {
    std::size_t at = (digest >> 8) & (slots_.size() - 1);
    while (slots_[at].digest != 0 && slots_[at].digest != digest)
      at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }

  void grow() {
    const std::vector<Slot> old =
        std::exchange(slots_, std::vector<Slot>(slots_.empty() ? 1024 : 2 * slots_.size()));
    for (const Slot& slot : old)
      if (slot.digest != 0)
        slot_of(slot.digest) = slot;
  }

  std::vector<Slot> slots_{};
  std::uint64_t count_ = 0;
};

class Search {
public:
  explicit Search(Explored& explored) : explored_(explored) {}

  /// Whether a rule is broken within `left` actions; the way there is kept.
  bool go(const World& world, unsigned left) {
    if (left == 0) {
      cut_short_ = true;
      return false;
    }
    for (const Action& action : world.actions()) {
      World next = world;
      next.perform(action);
      ++explored_.actions;
      way_.push_back(action);
      if (next.violation()) {
        explored_.violation = next.violation();
        explored_.way = way_;
        return true;
      }
      if (met_.note(next.digest(), left - 1) && go(next, left - 1))
        return true;
      way_.pop_back();
    }
    return false;
  }

  std::uint64_t states() const { return met_.size(); }
  bool cut_short() const { return cut_short_; }

private:
  Explored& explored_;
  Met met_{};
  std::vector<Action> way_{};
  bool cut_short_ = false;
};

}  // namespace

Explored explore(const Scenario& scenario, unsigned depth) {
  Explored explored;
  const World begin(scenario);
  while (explored.depth < depth && !explored.complete && !explored.violation) {
    ++explored.depth;
    Search search(explored);
    search.go(begin, explored.depth);
    explored.states = search.states();
    explored.complete = !search.cut_short();
  }
  return explored;
}

std::string tell(const Scenario& scenario, const std::vector<Action>& way) {
  World world(scenario);
  std::string out = world.describe();
  for (const Action& action : way) {
    out += "  " + world.describe(action) + "\n";
    world.perform(action);
    out += world.describe();
  }
  return out;
}

}  // namespace troupe::sim
