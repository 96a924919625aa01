#include "core/log.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void Log::append(Entry entry) {
  TROUPE_ASSERT(entry.id.index == next(last().index));
  TROUPE_ASSERT(entry.id.term >= last().term);
  const std::size_t before = bytes_.empty() ? 0 : bytes_.back();
  bytes_.push_back(before + size_bytes(entry));
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  const auto keep = static_cast<std::ptrdiff_t>(index.value - first().value);
  entries_.erase(entries_.begin() + keep, entries_.end());
  bytes_.erase(bytes_.begin() + keep, bytes_.end());
}

EntryId Log::last() const {
  return entries_.empty() ? EntryId{} : entries_.back().id;
}

Term Log::term_at(Index index) const {
  TROUPE_ASSERT(index <= last().index);
  return index == Index{} ? Term{} : at(index).id.term;
}

bool Log::contains(EntryId id) const {
  return id.index <= last().index && term_at(id.index) == id.term;
}

const Entry& Log::at(Index index) const {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  return entries_[index.value - first().value];
}

std::vector<Entry> Log::slice(Index from, Index to, std::size_t bytes_max) const {
  TROUPE_ASSERT(to <= last().index);
  if (from > to)
    return {};
  TROUPE_ASSERT(from >= first());
  const auto begin = static_cast<std::ptrdiff_t>(from.value - first().value);
  const auto limit = static_cast<std::ptrdiff_t>(next(to).value - first().value);
  const std::size_t before = begin == 0 ? 0 : bytes_[static_cast<std::size_t>(begin) - 1];
  // The first total beyond the limit; at least one entry goes.
  auto end = std::upper_bound(bytes_.begin() + begin, bytes_.begin() + limit, before + bytes_max);
  if (end == bytes_.begin() + begin)
    ++end;
  return {entries_.begin() + begin, entries_.begin() + (end - bytes_.begin())};
}

std::vector<Entry> Log::range(Index from, Index to) const {
  TROUPE_ASSERT(from >= first());
  TROUPE_ASSERT(to <= last().index);
  TROUPE_ASSERT(from <= next(to));
  const auto begin = static_cast<std::ptrdiff_t>(from.value - first().value);
  const auto end = static_cast<std::ptrdiff_t>(next(to).value - first().value);
  return {entries_.begin() + begin, entries_.begin() + end};
}

EntryId Log::last_not_above(EntryId upto) const {
  const Index index = std::min(upto.index, last().index);
  // Terms never fall along a log, so the place can be found by bisection.
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(index.value);
  const auto after = std::partition_point(
      entries_.begin(), end, [&](const Entry& entry) { return entry.id.term <= upto.term; });
  return after == entries_.begin() ? EntryId{} : std::prev(after)->id;
}

std::size_t Log::bytes_from(Index from) const {
  if (from > last().index)
    return 0;
  TROUPE_ASSERT(from >= first());
  const std::size_t before =
      from == first() ? 0 : bytes_[static_cast<std::size_t>(from.value - first().value) - 1];
  return bytes_.back() - before;
}

}  // namespace troupe
