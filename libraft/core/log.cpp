#include "core/log.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace troupe {

namespace {

std::uint64_t block_of(Index index) {
  return index.value / LogSums::block_entries;
}

}  // namespace

void Log::append(Entry entry) {
  TROUPE_ASSERT(entry.id.index == next(last().index));
  TROUPE_ASSERT(entry.id.term >= last().term);
  while (blocks_.size() <= block_of(entry.id.index) - block_of(first()))
    blocks_.emplace_back();
  block(entry.id.index).bytes += entry.payload.size();
  block(entry.id.index).kept_bytes += entry.payload.size();
  sums_.append(entry.id.index, sum_of(entry));
  if (entry.kind == EntryKind::released)
    last_hole_ = entry.id.index;
  entries_.push_back(std::move(entry));
}

void Log::truncate_from(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  while (last().index >= index) {
    sums_.remove_last(last().index, sum_of(entries_.back()));
    block(last().index).bytes -= entries_.back().payload.size();
    entries_.pop_back();
  }
  last_hole_ = std::min(last_hole_, prev(index));
}

void Log::cut_before(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= next(last().index));
  while (first() < index) {
    sums_.remove_first(first(), sum_of(entries_.front()));
    block(first()).bytes -= entries_.front().payload.size();
    if (block_of(first()) != block_of(next(first())))
      blocks_.pop_front();
    before_ = entries_.front().id;
    entries_.pop_front();
  }
  if (last_hole_ < index)
    last_hole_ = {};
}

void Log::release(Index index) {
  TROUPE_ASSERT(index >= first());
  TROUPE_ASSERT(index <= last().index);
  Entry& entry = entries_[slot(index)];
  const LogSum before = sum_of(entry);
  block(index).bytes -= entry.payload.size();
  entry = {.id = entry.id, .kind = EntryKind::released, .payload = {}};
  sums_.change(index, before, sum_of(entry));
  last_hole_ = std::max(last_hole_, index);
  if (block(index).bytes < block(index).kept_bytes / 2)
    leave_frames(index);
}

Log::Block& Log::block(Index index) {
  return blocks_[static_cast<std::size_t>(block_of(index) - block_of(first()))];
}

/// The payloads of the block of `index` get memory of their own. That is less to copy than what was
/// released since they last did.
void Log::leave_frames(Index index) {
  const Index begin = std::max(Index{block_of(index) * LogSums::block_entries}, first());
  const Index end =
      std::min(Index{(block_of(index) + 1) * LogSums::block_entries}, next(last().index));
  std::string together;
  together.reserve(block(index).bytes);
  for (Index i = begin; i < end; i = next(i))
    together += at(i).payload.text();
  const auto owner = std::make_shared<const std::string>(std::move(together));
  const auto* from = reinterpret_cast<const std::uint8_t*>(owner->data());
  for (Index i = begin; i < end; i = next(i)) {
    Bytes& payload = entries_[slot(i)].payload;
    const std::size_t size = payload.size();
    payload = size == 0 ? Bytes() : Bytes(owner, {from, size});
    from += size;
  }
  block(index).kept_bytes = block(index).bytes;
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

LogSum Log::sum_from(Index from) const {
  const Index end = next(last().index);
  const std::uint64_t in_block = LogSums::block_entries - 1;
  const Index block{(std::max(from, first()).value + in_block) & ~in_block};
  LogSum sum = block < end ? sums_.from(block) : LogSum{};
  for (Index index = std::max(from, first()); index < std::min(block, end); index = next(index))
    sum.add(sum_of(at(index)));
  return sum;
}

LogSum Log::sum(Index from, Index to) const {
  LogSum sum = sum_from(from);
  sum.remove(sum_from(next(to)));
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
