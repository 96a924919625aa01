#include "test/sim/linearizability.hpp"

#include "test/sim/kv_history.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace troupe::sim {

namespace {

using Action = KvOperation::Action;
using History = std::vector<KvOperation>;

constexpr Interval at(std::int64_t called, std::int64_t returned) {
  return {.called = Time{called}, .returned = Time{returned}};
}
constexpr Interval in_doubt(std::int64_t called) {
  return {.called = Time{called}, .returned = never};
}

KvOperation get(Interval interval, KvValue told, std::uint64_t key = 1) {
  return {.interval = interval, .key = key, .action = Action::get, .told = told};
}
KvOperation set(Interval interval, KvValue value, std::uint64_t key = 1) {
  return {.interval = interval, .key = key, .action = Action::set, .value = value};
}
KvOperation remove(Interval interval, KvValue told) {
  return {.interval = interval, .key = 1, .action = Action::remove, .told = told};
}
KvOperation compare(Interval interval, KvValue expected, KvValue value, KvValue told) {
  return {.interval = interval,
          .key = 1,
          .action = Action::compare,
          .value = value,
          .expected = expected,
          .told = told};
}

Linearizability check(const History& history) {
  return check_history(KvModel{}, history);
}
bool is_legal(const History& history) {
  const Legality legality = check(history).legality;
  CHECK(legality != Legality::unknown);
  return legality == Legality::legal;
}
std::vector<std::size_t> offending(const History& history) {
  return check(history).offending;
}

using Numbers = std::vector<std::size_t>;

}  // namespace

TEST_CASE("a history without operations, and one in order, are linearizable") {
  CHECK(is_legal({}));
  CHECK(is_legal({get(at(1, 2), 0), set(at(3, 4), 7), get(at(5, 6), 7), remove(at(7, 8), 1),
                  remove(at(9, 10), 0), compare(at(11, 12), 0, 3, 1), compare(at(13, 14), 0, 4, 0),
                  get(at(15, 16), 3)}));
}

TEST_CASE("operations that overlap may take effect in any order, others may not") {
  CHECK(is_legal({set(at(1, 10), 1), set(at(1, 10), 2), get(at(11, 12), 1)}));
  CHECK(is_legal({set(at(1, 10), 1), set(at(1, 10), 2), get(at(11, 12), 2)}));
  CHECK(is_legal({set(at(1, 10), 1), get(at(2, 3), 0), get(at(4, 5), 1)}));
  CHECK_FALSE(is_legal({set(at(1, 2), 1), set(at(3, 4), 2), get(at(5, 6), 1)}));
}

TEST_CASE("what is called at the moment at which another returns may have come before it") {
  CHECK(is_legal({set(at(1, 5), 1), get(at(5, 6), 0)}));
  CHECK_FALSE(is_legal({set(at(1, 5), 1), get(at(6, 6), 0)}));
}

TEST_CASE("a stale read is found") {
  const History history = {set(at(1, 2), 1), get(at(3, 4), 1), set(at(5, 6), 2), get(at(7, 8), 1),
                           get(at(9, 10), 2)};

  CHECK_FALSE(is_legal(history));
  CHECK(offending(history) == Numbers{0, 2, 3});
}

TEST_CASE("a read that sees nothing where something was written is found") {
  CHECK(offending({set(at(1, 2), 1), get(at(3, 4), 0)}) == Numbers{0, 1});
}

TEST_CASE("a lost update is found: two read the same, both write on it, and both were told yes") {
  const History history = {set(at(1, 2), 1), compare(at(3, 8), 1, 2, 1), compare(at(4, 9), 1, 3, 1),
                           get(at(10, 11), 3)};

  CHECK_FALSE(is_legal(history));
  CHECK(offending(history) == Numbers{0, 1, 2});
}

TEST_CASE("an acknowledged write that is gone is found") {
  CHECK_FALSE(is_legal({set(at(1, 2), 1), set(at(3, 4), 2), get(at(5, 6), 1), get(at(7, 8), 1)}));
  CHECK_FALSE(is_legal({set(at(1, 2), 1), remove(at(3, 4), 0)}));
}

TEST_CASE("a command that was applied twice is found") {
  // One of them takes what the other had left; a repeat of the first must not find it again.
  const History history = {set(at(1, 2), 1), compare(at(3, 4), 1, 2, 1), set(at(5, 6), 1),
                           get(at(7, 8), 1), get(at(9, 10), 2)};

  CHECK_FALSE(is_legal(history));
}

TEST_CASE("a value that nobody wrote is found, by itself") {
  CHECK(offending({set(at(1, 9), 1), get(at(2, 3), 9), get(at(4, 5), 1)}) == Numbers{1});
}

TEST_CASE("reads that go back are found, also while the write is not done") {
  const History history = {set(at(1, 20), 1), get(at(2, 3), 1), get(at(4, 5), 0)};

  CHECK_FALSE(is_legal(history));
  CHECK(offending(history) == Numbers{1, 2});
  CHECK_FALSE(is_legal({set(in_doubt(1), 1), get(at(2, 3), 1), get(at(4, 5), 0)}));
}

TEST_CASE("what is in doubt took effect, or did not, or does so later") {
  CHECK(is_legal({set(in_doubt(1), 1), get(at(2, 3), 0)}));
  CHECK(is_legal({set(in_doubt(1), 1), get(at(2, 3), 1)}));
  CHECK(is_legal({set(in_doubt(1), 1), get(at(2, 3), 0), get(at(4, 5), 0), get(at(100, 101), 1)}));
  CHECK(is_legal({compare(in_doubt(1), 5, 6, 0), get(at(2, 3), 0)}));
}

TEST_CASE("what is in doubt does not take effect before it is asked for") {
  CHECK_FALSE(is_legal({get(at(2, 3), 1), set(in_doubt(4), 1)}));
}

TEST_CASE("what is in doubt does not both happen and not happen, and happens once") {
  CHECK_FALSE(
      is_legal({set(at(1, 2), 5), set(in_doubt(3), 1), get(at(4, 5), 1), get(at(6, 7), 5)}));
  CHECK_FALSE(is_legal({set(in_doubt(1), 1), get(at(2, 3), 1), set(at(4, 5), 2), get(at(6, 7), 2),
                        get(at(8, 9), 1)}));
  CHECK_FALSE(is_legal({set(at(1, 2), 1), compare(in_doubt(3), 1, 2, 0), get(at(4, 5), 2),
                        set(at(6, 7), 1), get(at(8, 9), 2)}));
}

TEST_CASE("a write of what is there already may be needed later") {
  CHECK(is_legal({set(at(1, 2), 1), set(at(3, 8), 1), remove(at(4, 5), 1), get(at(9, 10), 1)}));
}

TEST_CASE("keys do not matter to each other") {
  CHECK(is_legal(
      {set(at(1, 2), 1, 1), set(at(1, 2), 2, 2), get(at(3, 4), 1, 1), get(at(3, 4), 2, 2)}));
  CHECK(offending(
            {set(at(1, 2), 1, 1), set(at(1, 2), 2, 2), get(at(3, 4), 1, 1), get(at(3, 4), 1, 2)})
        == Numbers{3});
}

TEST_CASE("what is wrong with a long history is told in a few lines") {
  History history;
  for (std::int64_t i = 0; i < 2000; ++i) {
    history.push_back(set(at(100 * i, 100 * i + 30), static_cast<KvValue>(i + 1)));
    history.push_back(get(at(100 * i + 40, 100 * i + 50), static_cast<KvValue>(i + 1)));
  }
  history[2001].told = 1000;

  const auto broken = broken_history(history);

  REQUIRE(broken);
  CHECK(*broken == "no order explains what clients were told until 100050us:\n"
                   "  client 0 set k1 1000 [99900us, 99930us]\n"
                   "  client 0 set k1 1001 [100000us, 100030us]\n"
                   "  client 0 get k1 = 1000 [100040us, 100050us]");
}

TEST_CASE("many that write at the same moment are not a matter of hours") {
  History history;
  for (KvValue value = 1; value <= 8; ++value)
    for (std::int64_t i = 0; i < 2000; ++i) {
      const bool reads = (i + static_cast<std::int64_t>(value)) % 2 == 0;
      const Interval interval = at(10 * i, 10 * i + 9);
      if (reads)
        history.push_back(get(interval, static_cast<KvValue>(i) * 8));
      else
        history.push_back(set(interval, static_cast<KvValue>(i + 1) * 8));
    }

  CHECK(is_legal(history));
}

TEST_CASE("many doubts do not hide that the rest is in order") {
  History history;
  for (std::int64_t i = 0; i < 3000; ++i) {
    const auto value = static_cast<KvValue>(i + 1);
    history.push_back(i % 20 == 7 ? set(in_doubt(10 * i), 100'000 + value)
                                  : set(at(10 * i, 10 * i + 5), value));
    if (i % 20 != 7)
      history.push_back(get(at(10 * i + 6, 10 * i + 9), value));
    else if (i % 40 == 7)
      history.push_back(get(at(10 * i + 6, 10 * i + 9), 100'000 + value));
  }

  CHECK(is_legal(history));
}

TEST_CASE("a search that reaches its limit says that it does not know") {
  History history;
  for (std::int64_t i = 0; i < 24; ++i)
    history.push_back(set(at(1, 100), static_cast<KvValue>(i + 1)));
  history.push_back(get(at(101, 102), 99));

  const auto by_memory = check_history(KvModel{}, history, {.configurations_max = 1000});
  CHECK(by_memory.legality == Legality::unknown);
  CHECK(by_memory.configurations <= 1000);
  const auto by_time = check_history(KvModel{}, history, {.steps_max = 1000});
  CHECK(by_time.legality == Legality::unknown);
  CHECK(*broken_history(history, {.steps_max = 1000})
        == "whether the history of 25 operations is linearizable is unknown after "
               + std::to_string(by_time.configurations) + " configurations");
}

TEST_CASE("what is shown to be wrong is told even if another key could not be decided") {
  History history;
  for (std::int64_t i = 0; i < 24; ++i)
    history.push_back(set(at(1, 100), static_cast<KvValue>(i + 1)));
  history.push_back(get(at(101, 102), 99));
  history.push_back(get(at(1, 2), 5, 2));

  const auto found = check_history(KvModel{}, history, {.configurations_max = 1000});

  CHECK(found.legality == Legality::illegal);
  CHECK(found.offending == Numbers{25});
}

}  // namespace troupe::sim
