#pragma once

#include "resources/kv_store/kv_values.hpp"

#include <tsl/robin_set.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace troupe::resources {

/// Where the keys of some values stand. A write finds its value by a look at the table and one at
/// the value, instead of a way down a tree that is not in any cache.
///
/// A caller learns of one key at a time: the order of the hashes, which is another in another
/// program, shows nowhere.
class KeyIndex {
public:
  using Place = KvValues::iterator;

  std::optional<Place> find(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? std::nullopt : std::optional(*found);
  }
  /// Requires that the key at `place` is not known, and that it stays there until it is removed.
  void add(Place place) { places_.insert(place); }
  void remove(Place place) { places_.erase(place); }
  /// Knows all of `values` and nothing else.
  void rebuild(KvValues& values) {
    places_.clear();
    places_.reserve(values.size());
    for (auto place = values.begin(); place != values.end(); ++place)
      add(place);
  }

private:
  static std::string_view key_of(std::string_view key) { return key; }
  static std::string_view key_of(Place place) { return place->first; }

  struct Hash {
    std::size_t operator()(const auto& key) const {
      return std::hash<std::string_view>{}(key_of(key));
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return key_of(a) == key_of(b); }
  };
  static constexpr bool store_hash = true;  ///< So that no other key than the one is looked at.

  tsl::robin_set<Place, Hash, Equal, std::allocator<Place>, store_hash> places_{};
};

}  // namespace troupe::resources
