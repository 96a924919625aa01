#include "core/log_sums.hpp"

#include "core/assert.hpp"

namespace troupe {

LogSum sum_of(const Entry& entry) {
  return {.bytes = size_bytes(entry), .holes = entry.kind == EntryKind::released ? 1U : 0U};
}

void LogSums::append(Index last, const LogSum& sum) {
  for (Level& level : levels_) {
    if (level.blocks.empty())
      level.first = last.value / level.size;
    if (last.value / level.size == level.first + level.blocks.size())
      level.blocks.emplace_back();
    level.at(last).add(sum);
  }
}

void LogSums::remove_last(Index last, const LogSum& sum) {
  for (Level& level : levels_) {
    level.at(last).remove(sum);
    if (last.value % level.size == 0)
      level.blocks.pop_back();
  }
}

void LogSums::remove_first(Index first, const LogSum& sum) {
  for (Level& level : levels_) {
    level.at(first).remove(sum);
    if (next(first).value % level.size != 0)
      continue;
    level.blocks.pop_front();
    ++level.first;
  }
}

void LogSums::change(Index index, const LogSum& before, const LogSum& after) {
  for (Level& level : levels_) {
    level.at(index).remove(before);
    level.at(index).add(after);
  }
}

LogSum LogSums::from(Index begin) const {
  TROUPE_ASSERT(begin.value % block_entries == 0);

  LogSum sum;
  std::uint64_t at = begin.value;
  for (const Level& level : levels_) {
    // Until a larger block begins, if there are larger ones.
    const bool is_largest = &level == &levels_.back();
    const std::uint64_t end = level.size * (level.first + level.blocks.size());
    for (; at < end && (is_largest || at % (level.size * block_entries) != 0); at += level.size)
      sum.add(level.blocks[static_cast<std::size_t>(at / level.size - level.first)]);
    if (at >= end)
      break;
  }
  return sum;
}

}  // namespace troupe
