#include "core/log.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

std::size_t Log::slot(Index index) const {
  return static_cast<std::size_t>(index.value - first().value);
}

/// The total in front of the entry in this slot.
std::size_t Log::bytes_before(std::size_t slot) const {
  return slot == 0 ? bytes_cut_ : bytes_[slot - 1];
}

void Log::append(Entry entry) {
  TROUPE_ASSERT(entry.id.index == next(last().index));
  TROUPE_ASSERT(entry.id.term >= last().term);
  bytes_.push_back(bytes_before(bytes_.size()) + size_bytes(entry));
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  const auto keep = static_cast<std::ptrdiff_t>(slot(index));
  entries_.erase(entries_.begin() + keep, entries_.end());
  bytes_.erase(bytes_.begin() + keep, bytes_.end());
}

void Log::cut_before(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= next(last().index));
  const EntryId before{term_at(prev(index)), prev(index)};
  const auto gone = static_cast<std::ptrdiff_t>(slot(index));
  bytes_cut_ = bytes_before(slot(index));
  entries_.erase(entries_.begin(), entries_.begin() + gone);
  bytes_.erase(bytes_.begin(), bytes_.begin() + gone);
  before_ = before;
}

EntryId Log::last() const {
  return entries_.empty() ? before_ : entries_.back().id;
}

Term Log::term_at(Index index) const {
  TROUPE_ASSERT(index >= before_.index);
  TROUPE_ASSERT(index <= last().index);
  return index == before_.index ? before_.term : at(index).id.term;
}

bool Log::contains(EntryId id) const {
  if (id == EntryId{})
    return true;
  return id.index >= before_.index && id.index <= last().index && term_at(id.index) == id.term;
}

const Entry& Log::at(Index index) const {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  return entries_[slot(index)];
}

std::vector<Entry> Log::slice(Index from, Index to, std::size_t bytes_max) const {
  TROUPE_ASSERT(to <= last().index);
  if (from > to)
    return {};
  TROUPE_ASSERT(from >= first());
  const auto begin = static_cast<std::ptrdiff_t>(slot(from));
  const auto limit = static_cast<std::ptrdiff_t>(slot(next(to)));
  const std::size_t before = bytes_before(slot(from));
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
  const auto begin = static_cast<std::ptrdiff_t>(slot(from));
  const auto end = static_cast<std::ptrdiff_t>(slot(next(to)));
  return {entries_.begin() + begin, entries_.begin() + end};
}

EntryId Log::last_not_above(EntryId upto) const {
  if (upto.index < before_.index || upto.term < before_.term)
    return {};
  const Index index = std::min(upto.index, last().index);
  // Terms never fall along a log, so the place can be found by bisection.
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(slot(next(index)));
  const auto after = std::partition_point(
      entries_.begin(), end, [&](const Entry& entry) { return entry.id.term <= upto.term; });
  return after == entries_.begin() ? before_ : std::prev(after)->id;
}

std::size_t Log::bytes_from(Index from) const {
  if (from > last().index)
    return 0;
  return bytes_.back() - bytes_before(slot(std::max(from, first())));
}

Index Log::first_of_last(Index upto, std::size_t entries_max, std::size_t bytes_max) const {
  TROUPE_ASSERT(upto >= before_.index);
  TROUPE_ASSERT(upto <= last().index);
  const std::size_t count = slot(next(upto));
  const std::size_t from = count - std::min(count, entries_max);
  const std::size_t total = bytes_before(count);
  // The total in front of the entry that is in a slot stands in the slot before it.
  if (total - bytes_before(from) <= bytes_max)
    return {first().value + from};
  const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(from);
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
  const auto fits = std::partition_point(
      begin, end, [&](std::size_t before) { return total - before > bytes_max; });
  return {first().value + static_cast<std::uint64_t>(fits - bytes_.begin()) + 1};
}

}  // namespace troupe
