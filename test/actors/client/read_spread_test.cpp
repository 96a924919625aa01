#include "actors/client/read_spread.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

FullName peer(const std::string& name) {
  return {.name = name, .address = "h:1"};
}

/// Where reads go that are asked for one by one.
std::string turns(ReadSpread& spread, int count, ReadSpread::Time now) {
  std::string names;
  for (int i = 0; i < count; ++i) {
    names += spread.next(now).name;
    spread.end_run();
  }
  return names;
}

/// Where reads go that are asked for together, and how many in a row.
std::string runs(ReadSpread& spread, std::size_t count, ReadSpread::Time now) {
  std::string last;
  std::string runs;
  std::size_t length = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = spread.next(now).name;
    if (name != std::exchange(last, name) && length > 0)
      runs += std::to_string(std::exchange(length, 0));
    if (length++ == 0)
      runs += name;
  }
  return runs + std::to_string(length);
}

TEST_CASE("sequential reads go to one peer after the other") {
  ReadSpread spread({peer("a"), peer("b"), peer("c")});

  CHECK(turns(spread, 7, {}) == "abcabca");
}

TEST_CASE("reads that are asked for together go to one peer, but not more of them than pay") {
  ReadSpread spread({peer("a"), peer("b"), peer("c")});

  CHECK(runs(spread, 40, {}) == "a40");
  spread.end_run();
  CHECK(runs(spread, 200, {}) == "b64c64a64b8");
}

TEST_CASE("a run ends at once where its peer fails") {
  ReadSpread spread({peer("a"), peer("b")});
  const ReadSpread::Time now{1h};

  CHECK(runs(spread, 10, now) == "a10");
  spread.failed(peer("a"), now);
  CHECK(runs(spread, 10, now) == "b10");
}

TEST_CASE("a peer that failed is left out for a while, longer each time, until it answers") {
  ReadSpread spread({peer("a"), peer("b")});
  const ReadSpread::Time start{1h};
  ReadSpread::Time now = start;

  spread.failed(peer("a"), now);
  spread.failed(peer("a"), now);  // One of the thousand that failed with it.
  CHECK(turns(spread, 3, now) == "bbb");
  CHECK(turns(spread, 2, now + 499ms) == "bb");
  now += 500ms;
  CHECK(turns(spread, 2, now) == "ab");
  spread.failed(peer("a"), now);
  CHECK(turns(spread, 2, now + 999ms) == "bb");
  CHECK(turns(spread, 2, now + 1000ms) == "ab");

  spread.failed(peer("a"), now + 1000ms);
  spread.answered(peer("a"));
  CHECK(turns(spread, 2, now + 1000ms) == "ab");
}

TEST_CASE("where all failed the one that is back first is asked") {
  ReadSpread spread({peer("a"), peer("b")});
  const ReadSpread::Time now{1h};
  spread.failed(peer("b"), now);
  spread.failed(peer("a"), now + 100ms);

  CHECK(turns(spread, 2, now + 200ms) == "bb");
}

TEST_CASE("news of a peer that is not known change nothing") {
  ReadSpread spread({peer("a")});

  spread.failed(peer("x"), ReadSpread::Time{1h});
  spread.answered(peer("x"));

  CHECK(turns(spread, 1, ReadSpread::Time{1h}) == "a");
}

}  // namespace
}  // namespace troupe::actors
