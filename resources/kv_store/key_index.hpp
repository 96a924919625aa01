#pragma once

#include "resources/kv_store/kv_values.hpp"

#include <optional>
#include <string_view>
#include <unordered_map>

namespace troupe::resources {

/// Where the keys of some values stand. Who overwrites a value finds it by a look or two, instead
/// of a way down a tree that is not in any cache.
///
/// Whoever asks learns of one key at a time: the order of the hashes, which is another in another
/// program, shows nowhere.
class KeyIndex {
public:
  using Place = KvValues::iterator;

  std::optional<Place> find(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Requires that the key at `place` is not known, and that it stays there until it is removed.
  void add(Place place) { places_.emplace(place->first, place); }
  void remove(Place place) { places_.erase(place->first); }
  /// Knows all of `values` and nothing else.
  void rebuild(KvValues& values) {
    places_.clear();
    places_.reserve(values.size());
    for (auto place = values.begin(); place != values.end(); ++place)
      add(place);
  }

private:
  std::unordered_map<std::string_view, Place> places_{};
};

}  // namespace troupe::resources
