#include "test/sim/dice.hpp"
#include "test/sim/kv_history.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

// Histories of an object that exists, honest and then changed, against a search that tries every
// order and remembers nothing.

namespace troupe::sim {

namespace {

using Action = KvOperation::Action;
using History = std::vector<KvOperation>;

/// The object of one key, in words that are not the model's.
KvValue happen(std::map<std::uint64_t, KvValue>& held, const KvOperation& operation) {
  KvValue& now = held[operation.key];
  const KvValue before = now;
  if (operation.action == Action::get)
    return before;
  if (operation.action == Action::compare && before != operation.expected)
    return 0;
  now = operation.action == Action::remove ? 0 : operation.value;
  return operation.action == Action::remove ? std::min<KvValue>(before, 1)
                                            : (operation.action == Action::compare ? 1 : 0);
}

struct Shape {
  std::size_t operations = 5;
  std::size_t clients = 3;
  std::size_t keys = 1;
  KvValue values = 2;  ///< Few: then an order may be right for several reasons.
  unsigned doubt_permille = 150;
  std::int64_t spread = 6;
};

KvOperation draw_operation(Dice& dice, const Shape& shape) {
  static constexpr Action actions[] = {Action::get, Action::get, Action::set, Action::compare,
                                       Action::remove};
  return {.interval = {},
          .client = dice.below(shape.clients),
          .key = dice.below(shape.keys),
          .action = actions[dice.below(std::size(actions))],
          .value = 1 + dice.below(shape.values),
          .expected = dice.below(shape.values + 1)};
}

/// Each client does one thing after the other; each thing takes effect at a moment, in the order
/// of the moments. What is in doubt takes effect or does not.
History draw_history(Dice& dice, const Shape& shape) {
  const auto chance = [&](std::int64_t most) {
    return Time{static_cast<std::int64_t>(dice.below(static_cast<std::size_t>(most + 1)))};
  };
  std::vector<Time> free_at(shape.clients, Time{0});
  std::vector<std::pair<Time, KvOperation>> moments;
  for (std::size_t i = 0; i < shape.operations; ++i) {
    KvOperation operation = draw_operation(dice, shape);
    const Time called = free_at[operation.client] + Time{1} + chance(shape.spread);
    const Time moment = called + chance(shape.spread);
    const Time returned = moment + chance(shape.spread);
    free_at[operation.client] = returned;
    const bool in_doubt = dice.permille(shape.doubt_permille);
    operation.interval = {called, in_doubt ? never : returned};
    moments.emplace_back(in_doubt && dice.coin() ? never : moment, operation);
  }
  std::stable_sort(moments.begin(), moments.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::map<std::uint64_t, KvValue> held;
  History history;
  for (auto& [moment, operation] : moments) {
    if (moment != never)
      operation.told = happen(held, operation);
    history.push_back(operation);
  }
  return history;
}

/// Something that an object, a network or a client may have got wrong.
void mutate(Dice& dice, const Shape& shape, History& history) {
  KvOperation& operation = history[dice.below(history.size())];
  KvOperation& other = history[dice.below(history.size())];
  switch (dice.below(8)) {
    case 0:  // A wrong reply.
      operation.told = dice.below(shape.values + 2);
      break;
    case 1:  // The reply of another.
      std::swap(operation.told, other.told);
      break;
    case 2:  // Told too early.
      if (!operation.interval.is_in_doubt())
        operation.interval.returned = operation.interval.called;
      break;
    case 3:  // Asked too late.
      if (!operation.interval.is_in_doubt())
        operation.interval.called = operation.interval.returned;
      break;
    case 4:  // It all happened, but at another time.
      std::swap(operation.interval, other.interval);
      break;
    case 5:  // It never happened, and somebody saw it all the same; or was told twice.
      operation = other;
      break;
    case 6:  // Something else happened.
      operation.value = 1 + dice.below(shape.values);
      operation.expected = dice.below(shape.values + 1);
      break;
    default:  // What is in doubt has in truth been told.
      operation.interval.returned =
          operation.interval.is_in_doubt() ? operation.interval.called + Time{shape.spread} : never;
  }
}

/// Tries whatever may come next, of all keys at once.
bool some_order_fits(const History& history, std::map<std::uint64_t, KvValue> held, unsigned done) {
  Time first_return = never;
  for (std::size_t i = 0; i < history.size(); ++i)
    if ((done >> i & 1U) == 0)
      first_return = std::min(first_return, history[i].interval.returned);
  if (first_return == never)
    return true;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const KvOperation& operation = history[i];
    if ((done >> i & 1U) != 0 || operation.interval.called > first_return)
      continue;
    auto after = held;
    const KvValue told = happen(after, operation);
    const bool fits = operation.interval.is_in_doubt() || operation.action == Action::set
                      || told == operation.told;
    if (fits && some_order_fits(history, std::move(after), done | 1U << i))
      return true;
  }
  return false;
}

bool fits_by_trial(const History& history) {
  return some_order_fits(history, {}, 0);
}

std::string text(const History& history) {
  std::string out;
  for (const KvOperation& operation : history)
    out += text(operation) + "\n";
  return out;
}

/// What is named as contradictory is: no order fits, though nothing is claimed of what else was
/// asked until then.
void check_explanation(History history, const Linearizability& found) {
  REQUIRE_FALSE(found.offending.empty());
  for (std::size_t i = 0; i < history.size(); ++i) {
    Interval& interval = history[i].interval;
    const auto& named = found.offending;
    if (interval.called <= found.broken_at
        && std::find(named.begin(), named.end(), i) == named.end())
      interval = {.called = Time::min(), .returned = never};
    if (interval.returned > found.broken_at)
      interval.returned = never;
  }
  CHECK_FALSE(fits_by_trial(history));
}

Shape draw_shape(Dice& dice) {
  return {.operations = 2 + dice.below(6),
          .clients = 2 + dice.below(3),
          .keys = 1 + dice.below(2),
          .values = 1 + dice.below(4),
          .doubt_permille = dice.coin() ? 0U : 300U,
          .spread = dice.coin() ? 3 : 10};
}

}  // namespace

TEST_CASE("on tiny histories the search says what trying all orders says") {
  constexpr std::uint64_t histories = 40'000;
  std::size_t illegal = 0;
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    Dice dice(seed);
    const Shape shape = draw_shape(dice);
    History history = draw_history(dice, shape);
    const std::size_t mutations = dice.below(4);
    for (std::size_t i = 0; i < mutations; ++i)
      mutate(dice, shape, history);
    CAPTURE(seed);
    const std::string told = text(history);
    CAPTURE(told);

    const bool fits = fits_by_trial(history);
    const Linearizability found = check_history(KvModel{}, history);

    REQUIRE(found.legality == (fits ? Legality::legal : Legality::illegal));
    // An honest history is linearizable, or the generator is not honest.
    REQUIRE((fits || mutations > 0));
    if (!fits) {
      ++illegal;
      check_explanation(history, found);
    }
  }
  // Both verdicts came up often, or the comparison shows little.
  CHECK(illegal > histories / 8);
  CHECK(illegal < histories * 7 / 8);
}

TEST_CASE("long honest histories are linearizable, and one wrong reply in them is found") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Dice dice(seed);
    const Shape shape{.operations = 1000 + dice.below(1000),
                      .clients = 2 + dice.below(7),
                      .keys = 4 + dice.below(6),
                      .values = 1'000'000,
                      .doubt_permille = dice.coin() ? 0U : 10U,
                      .spread = 100};
    History history = draw_history(dice, shape);
    CAPTURE(seed);

    REQUIRE(check_history(KvModel{}, history).legality == Legality::legal);

    const auto read =
        std::find_if(history.begin() + static_cast<std::ptrdiff_t>(history.size() / 2),
                     history.end(), [](const KvOperation& operation) {
                       return operation.action == Action::get && !operation.interval.is_in_doubt();
                     });
    REQUIRE(read != history.end());
    read->told = 2'000'000;
    const Linearizability found = check_history(KvModel{}, history);
    CHECK(found.legality == Legality::illegal);
    CHECK(found.offending
          == std::vector<std::size_t>{static_cast<std::size_t>(read - history.begin())});
  }
}

}  // namespace troupe::sim
