#include "actors/read_spread.hpp"

#include <doctest/doctest.h>

#include <string>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

FullName peer(const std::string& name) {
  return {.name = name, .address = "h:1"};
}

std::string turns(ReadSpread& spread, int count, ReadSpread::Time now) {
  std::string names;
  for (int i = 0; i < count; ++i)
    names += spread.next(now).name;
  return names;
}

TEST_CASE("sequential reads go to one peer after the other") {
  ReadSpread spread({peer("a"), peer("b"), peer("c")});

  CHECK(turns(spread, 7, {}) == "abcabca");
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
