#include "test/sim/linearizability.hpp"

#include "core/assert.hpp"

#include <tuple>
#include <utility>

namespace troupe::sim {

namespace {

/// Tells configurations apart by 128 bits: two that differ and look the same are not to be feared.
struct Fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(Fingerprint, Fingerprint) = default;
};

constexpr std::uint64_t scramble(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15u;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9u;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBu;
  return number ^ (number >> 31);
}

/// What an operation adds to the fingerprint of a set, and takes away again.
Fingerprint share_of(std::size_t operation) {
  return {scramble(2 * operation), scramble(2 * operation + 1)};
}

Fingerprint mixed(Fingerprint set, ObjectState state) {
  return {set.high ^ scramble(~state), set.low ^ scramble(scramble(state))};
}

/// A set that only grows, in one piece of memory.
class FingerprintSet {
public:
  std::size_t size() const { return size_; }

  /// False if it was there.
  bool insert(Fingerprint fingerprint) {
    if (fingerprint == Fingerprint{})
      fingerprint.low = 1;  // Zero marks a free slot.
    if (2 * (size_ + 1) > slots_.size())
      grow();
    Fingerprint& slot = slot_of(fingerprint);
    if (slot == fingerprint)
      return false;
    slot = fingerprint;
    ++size_;
    return true;
  }

private:
  Fingerprint& slot_of(Fingerprint fingerprint) {
    std::size_t at = fingerprint.high & (slots_.size() - 1);
    while (slots_[at] != Fingerprint{} && slots_[at] != fingerprint)
      at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }

  void grow() {
    const std::vector<Fingerprint> old = std::exchange(
        slots_, std::vector<Fingerprint>(std::max<std::size_t>(64, 2 * slots_.size())));
    for (const Fingerprint fingerprint : old)
      if (fingerprint != Fingerprint{})
        slot_of(fingerprint) = fingerprint;
  }

  std::vector<Fingerprint> slots_{};
  std::size_t size_ = 0;
};

/// Calls and returns in the order of time, as two chains: what returned, and the calls of what is
/// in doubt. An operation that has taken effect is lifted out of its chain, and can be put back
/// as long as this is done in the opposite order.
class Timeline {
public:
  /// The ends of both chains are nodes too: the chain of what returned begins at 0, that of doubts
  /// at 1.
  static constexpr std::size_t sure_begin = 0;
  static constexpr std::size_t doubt_begin = 1;
  static constexpr std::size_t end = SIZE_MAX;

  explicit Timeline(const std::vector<Interval>& operations) {
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < operations.size(); ++i) {
      nodes.push_back({.at = operations[i].called, .operation = i});
      if (!operations[i].is_in_doubt())
        nodes.push_back({.at = operations[i].returned, .operation = i, .is_return = true});
    }
    std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) {
      return std::tuple(a.at, a.is_return, a.operation)
             < std::tuple(b.at, b.is_return, b.operation);
    });
    nodes_.resize(2);
    nodes_.insert(nodes_.end(), nodes.begin(), nodes.end());
    returns_.assign(operations.size(), end);
    std::size_t last[] = {sure_begin, doubt_begin};
    for (std::size_t i = 2; i < nodes_.size(); ++i) {
      const bool doubt = operations[nodes_[i].operation].is_in_doubt();
      link(std::exchange(last[doubt ? 1 : 0], i), i);
      if (nodes_[i].is_return)
        returns_[nodes_[i].operation] = i;
    }
  }

  std::size_t after(std::size_t node) const { return nodes_[node].next; }
  bool is_return(std::size_t node) const { return nodes_[node].is_return; }
  std::size_t operation(std::size_t node) const { return nodes_[node].operation; }
  bool all_returned() const { return nodes_[sure_begin].next == end; }

  void lift(std::size_t call) {
    unlink(call);
    if (const std::size_t back = returns_[operation(call)]; back != end)
      unlink(back);
  }
  void put_back(std::size_t call) {
    if (const std::size_t back = returns_[operation(call)]; back != end)
      relink(back);
    relink(call);
  }

private:
  struct Node {
    Time at{};
    std::size_t operation = 0;
    bool is_return = false;
    std::size_t before = end;
    std::size_t next = end;
  };

  void link(std::size_t before, std::size_t node) {
    nodes_[before].next = node;
    nodes_[node].before = before;
  }
  void unlink(std::size_t node) {
    nodes_[nodes_[node].before].next = nodes_[node].next;
    if (nodes_[node].next != end)
      nodes_[nodes_[node].next].before = nodes_[node].before;
  }
  void relink(std::size_t node) {
    nodes_[nodes_[node].before].next = node;
    if (nodes_[node].next != end)
      nodes_[nodes_[node].next].before = node;
  }

  std::vector<Node> nodes_{};
  std::vector<std::size_t> returns_{};  ///< Of each operation.
};

/// Of a configuration, what is to be tried next.
struct Choice {
  enum class Kind : std::uint8_t { returned, in_doubt, jump } kind = Kind::returned;
  std::size_t at = Timeline::end;  ///< The node of a call, or the number of the jump.
};

class Search {
public:
  Search(const std::vector<Interval>& operations, ObjectState initial, const ObjectStep& step,
         const SearchLimits& limits, const std::vector<ObjectState>& jumps)
      : timeline_(operations), state_(initial), step_(step), limits_(limits), jumps_(jumps) {}

  /// What is in doubt need not take effect: the rest having an order is enough.
  Legality run() {
    begin_level();
    for (std::uint64_t steps = 0; !timeline_.all_returned(); ++steps) {
      if (steps >= limits_.steps_max || seen_.size() >= limits_.configurations_max)
        return Legality::unknown;
      if (try_here())
        begin_level();
      else if (!advance() && !retreat())
        return Legality::illegal;
    }
    return Legality::legal;
  }

  std::size_t configurations() const { return seen_.size(); }

private:
  struct Taken {
    Choice choice{};
    std::size_t first_return = Timeline::end;
    ObjectState state_before = 0;
  };

  void begin_level() {
    here_ = {Choice::Kind::returned, timeline_.after(Timeline::sure_begin)};
    first_return_ = Timeline::end;
  }

  /// On to what else could be next: whatever was called before anything still open returned, and
  /// of that first what is not in doubt. False if there is nothing else.
  bool advance() {
    here_.at = here_.kind == Choice::Kind::jump ? here_.at + 1 : timeline_.after(here_.at);
    if (here_.kind == Choice::Kind::returned && timeline_.is_return(here_.at)) {
      first_return_ = here_.at;
      here_ = {Choice::Kind::in_doubt, timeline_.after(Timeline::doubt_begin)};
    }
    if (here_.kind == Choice::Kind::in_doubt
        && (here_.at == Timeline::end || here_.at > first_return_))
      here_ = {Choice::Kind::jump, 0};
    // Behind a jump no other is needed: it could have gone there at once.
    const bool jumped = !taken_.empty() && taken_.back().choice.kind == Choice::Kind::jump;
    return here_.kind != Choice::Kind::jump || (!jumped && here_.at < jumps_.size());
  }

  /// Undoes choices until one is left that could have been another.
  bool retreat() {
    while (!taken_.empty()) {
      const Taken last = taken_.back();
      taken_.pop_back();
      if (last.choice.kind != Choice::Kind::jump)
        put_back(last.choice.at);
      state_ = last.state_before;
      here_ = last.choice;
      first_return_ = last.first_return;
      if (advance())
        return true;
    }
    return false;
  }

  bool try_here() {
    const bool jumps = here_.kind == Choice::Kind::jump;
    const bool must_happen = here_.kind == Choice::Kind::returned;
    const auto state = jumps ? std::optional(jumps_[here_.at])
                             : step_(state_, timeline_.operation(here_.at),
                                     must_happen ? Told::result : Told::nothing);
    // What changes nothing and need not have happened need not be tried.
    if (!state || (!must_happen && *state == state_))
      return false;
    if (!jumps)
      take(here_.at);
    if (!seen_.insert(mixed(set_, *state))) {
      if (!jumps)
        put_back(here_.at);
      return false;
    }
    taken_.push_back({here_, first_return_, state_});
    state_ = *state;
    return true;
  }

  void take(std::size_t call) {
    timeline_.lift(call);
    toggle(timeline_.operation(call));
  }
  void put_back(std::size_t call) {
    timeline_.put_back(call);
    toggle(timeline_.operation(call));
  }

  void toggle(std::size_t operation) {
    const Fingerprint share = share_of(operation);
    set_ = {set_.high ^ share.high, set_.low ^ share.low};
  }

  Timeline timeline_;
  ObjectState state_;
  const ObjectStep& step_;
  const SearchLimits& limits_;
  const std::vector<ObjectState>& jumps_;
  std::vector<Taken> taken_{};
  Fingerprint set_{};
  FingerprintSet seen_{};
  Choice here_{};
  std::size_t first_return_ = Timeline::end;  ///< Of what is left, once that is known.
};

}  // namespace

std::string_view name(Legality legality) {
  switch (legality) {
    case Legality::legal:
      return "legal";
    case Legality::illegal:
      return "illegal";
    case Legality::unknown:
      return "unknown";
  }
  TROUPE_ASSERT(false);
  return "";
}

Linearizability search(const std::vector<Interval>& operations, ObjectState initial,
                       const ObjectStep& step, const SearchLimits& limits,
                       const std::vector<ObjectState>& jumps) {
  Search search(operations, initial, step, limits, jumps);
  const Legality legality = search.run();
  return {.legality = legality, .configurations = search.configurations(), .offending = {}};
}

}  // namespace troupe::sim
