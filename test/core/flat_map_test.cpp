#include "core/flat_map.hpp"

#include "core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace troupe {

TEST_CASE("a flat map is what a map is, whatever is put into it and taken from it") {
  Random random(1);
  FlatMap<std::uint64_t, std::string> flat;
  std::map<std::uint64_t, std::string> map;
  for (int round = 0; round < 4000; ++round) {
    const std::uint64_t key = random.below(20);
    const std::string value = std::to_string(round);
    switch (random.below(4)) {
      case 0:
        CHECK(flat.emplace(key, value).second == map.emplace(key, value).second);
        break;
      case 1:
        flat[key] += value;
        map[key] += value;
        break;
      case 2:
        flat.erase(key);
        map.erase(key);
        break;
      default:
        flat.erase(flat.lower_bound(key), flat.upper_bound(key + 2));
        map.erase(map.lower_bound(key), map.upper_bound(key + 2));
    }

    const auto same = [](const auto& a, const auto& b) {
      return a.first == b.first && a.second == b.second;
    };
    REQUIRE(std::ranges::equal(flat, map, same));
    CHECK(flat.size() == map.size());
    CHECK(flat.contains(key) == map.contains(key));
    if (!map.empty())
      CHECK(flat.back().first == map.rbegin()->first);
    if (map.contains(key))
      CHECK(flat.at(key) == map.at(key));
  }
}

TEST_CASE("what a flat map begins with may come in any order; the first of two counts") {
  const PeerMap<int> map{{{3}, 30}, {{1}, 10}, {{3}, 31}};

  CHECK(map.size() == 2);
  CHECK(map.begin()->first == PeerId{1});
  CHECK(map.at({3}) == 30);
}

}  // namespace troupe
