#pragma once

#include "core/assert.hpp"
#include "core/types.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace troupe {

/// A `std::map` in one piece of memory. For what is few and gone through at every turn, and seldom
/// grows: to grow or to shrink moves what is in it, so references and iterators end with that.
template <class Key, class Value>
class FlatMap {
public:
  using value_type = std::pair<Key, Value>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  FlatMap() = default;
  /// In any order; of two with one key the first counts.
  FlatMap(std::initializer_list<value_type> values) {
    for (const value_type& value : values)
      emplace(value.first, value.second);
  }

  bool empty() const { return values_.empty(); }
  std::size_t size() const { return values_.size(); }
  iterator begin() { return values_.begin(); }
  iterator end() { return values_.end(); }
  const_iterator begin() const { return values_.begin(); }
  const_iterator end() const { return values_.end(); }
  /// Of the greatest key. Requires: some.
  const value_type& back() const { return values_.back(); }

  const_iterator lower_bound(const Key& key) const {
    return std::ranges::lower_bound(values_, key, {}, &value_type::first);
  }
  const_iterator upper_bound(const Key& key) const {
    return std::ranges::upper_bound(values_, key, {}, &value_type::first);
  }
  iterator find(const Key& key) { return begin() + (std::as_const(*this).find(key) - begin()); }
  const_iterator find(const Key& key) const {
    const auto at = lower_bound(key);
    return at == end() || at->first != key ? end() : at;
  }
  bool contains(const Key& key) const { return find(key) != end(); }
  /// Requires: it is here.
  Value& at(const Key& key) {
    const auto found = find(key);
    TROUPE_ASSERT(found != end());
    return found->second;
  }
  const Value& at(const Key& key) const {
    const auto found = find(key);
    TROUPE_ASSERT(found != end());
    return found->second;
  }

  /// Where the key's value is, and whether it was put there by this.
  std::pair<iterator, bool> emplace(const Key& key, Value value) {
    const auto at = begin() + (lower_bound(key) - begin());
    if (at != end() && at->first == key)
      return {at, false};
    return {values_.insert(at, {key, std::move(value)}), true};
  }
  Value& operator[](const Key& key) {
    const auto found = find(key);
    return found != end() ? found->second : emplace(key, {}).first->second;
  }
  void erase(const Key& key) {
    if (const auto found = find(key); found != end())
      values_.erase(found);
  }
  void erase(const_iterator from, const_iterator to) { values_.erase(from, to); }
  void clear() { values_.clear(); }

private:
  std::vector<value_type> values_{};
};

template <class Value>
using PeerMap = FlatMap<PeerId, Value>;

}  // namespace troupe
