#include "core/log.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

constexpr std::uint64_t block_entries = 1024;

std::uint64_t block_number(Index index) {
  return index.value / block_entries;
}

}  // namespace

void Log::Sum::add(const Entry& entry) {
  bytes += size_bytes(entry);
  holes += entry.kind == EntryKind::released ? 1U : 0U;
}

void Log::Sum::remove(const Entry& entry) {
  bytes -= size_bytes(entry);
  holes -= entry.kind == EntryKind::released ? 1U : 0U;
}

void Log::Sum::add(const Sum& sum) {
  bytes += sum.bytes;
  holes += sum.holes;
}

void Log::Sum::remove(const Sum& sum) {
  bytes -= sum.bytes;
  holes -= sum.holes;
}

std::size_t Log::block(Index index) const {
  return static_cast<std::size_t>(block_number(index) - block_number(first()));
}

void Log::append(Entry entry) {
  TROUPE_ASSERT(entry.id.index == next(last().index));
  TROUPE_ASSERT(entry.id.term >= last().term);
  if (blocks_.size() == block(entry.id.index))
    blocks_.emplace_back();
  blocks_.back().add(entry);
  if (entry.kind == EntryKind::released)
    last_hole_ = entry.id.index;
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  while (last().index >= index) {
    blocks_[block(last().index)].remove(entries_.back());
    entries_.pop_back();
  }
  blocks_.resize(entries_.empty() ? 0 : block(last().index) + 1);
  last_hole_ = std::min(last_hole_, prev(index));
}

void Log::cut_before(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= next(last().index));
  while (first() < index) {
    blocks_.front().remove(entries_.front());
    const EntryId gone = entries_.front().id;
    entries_.pop_front();
    if (entries_.empty() || block_number(next(gone.index)) != block_number(gone.index))
      blocks_.pop_front();
    before_ = gone;
  }
  if (last_hole_ < index)
    last_hole_ = {};
}

void Log::release(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  Entry& entry = entries_[slot(index)];
  Sum& sum = blocks_[block(index)];
  sum.remove(entry);
  entry = {.id = entry.id, .kind = EntryKind::released, .payload = {}};
  sum.add(entry);
  last_hole_ = std::max(last_hole_, index);
}

std::vector<Entry> Log::slice(Index from, Index to, std::size_t bytes_max) const {
  TROUPE_ASSERT(to <= last().index);
  if (from > to)
    return {};
  TROUPE_ASSERT(from >= first());
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(slot(from));
  const auto limit = entries_.begin() + static_cast<std::ptrdiff_t>(slot(next(to)));
  auto end = std::next(begin);  // At least one entry goes.
  for (std::size_t bytes = size_bytes(*begin); end != limit; ++end) {
    bytes += size_bytes(*end);
    if (bytes > bytes_max)
      break;
  }
  return {begin, end};
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

Log::Sum Log::sum_of(Index from, Index to) const {
  Sum sum;
  for (std::size_t i = slot(from); i < slot(next(to)); ++i)
    sum.add(entries_[i]);
  return sum;
}

Log::Sum Log::sum_from(Index from) const {
  Sum sum;
  from = std::max(from, first());
  if (from > last().index)
    return sum;
  for (std::size_t i = block(from) + 1; i < blocks_.size(); ++i)
    sum.add(blocks_[i]);
  // Of its own block, what is in front of it or what is not, whichever is less.
  const Index begin = std::max(first(), Index{block_number(from) * block_entries});
  const Index end = std::min(last().index, Index{(block_number(from) + 1) * block_entries - 1});
  if (end.value - from.value < from.value - begin.value) {
    sum.add(sum_of(from, end));
  } else {
    sum.add(blocks_[block(from)]);
    sum.remove(sum_of(begin, prev(from)));
  }
  return sum;
}

Index Log::first_of_last(Index upto, std::size_t entries_max, std::size_t bytes_max) const {
  TROUPE_ASSERT(upto >= before_.index);
  TROUPE_ASSERT(upto <= last().index);
  Index from = next(upto);
  std::size_t bytes = 0;
  for (std::size_t entries = 0; entries < entries_max && from > first(); ++entries) {
    bytes += size_bytes(at(prev(from)));
    if (bytes > bytes_max)
      break;
    from = prev(from);
  }
  return from;
}

}  // namespace troupe
