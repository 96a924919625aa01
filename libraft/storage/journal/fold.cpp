#include "storage/journal/fold.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace troupe::storage {

namespace {

/// Whether `entry` is among those that `write` appends.
bool appends(const Write& write, Index entry) {
  return !write.entries.empty() && entry >= write.entries.front().id.index;
}

void make_hole(Entry& entry) {
  entry = {.id = entry.id, .kind = EntryKind::released, .payload = {}};
}

std::ptrdiff_t offset_of(const Write& write, Index entry) {
  return static_cast<std::ptrdiff_t>(entry.value - write.entries.front().id.index.value);
}

/// What a write does to a log it does in a fixed order, truncating first: what it released behind
/// `from` was never there.
void truncate(Write& to, Index from) {
  if (appends(to, from)) {
    to.entries.erase(to.entries.begin() + offset_of(to, from), to.entries.end());
    return;
  }
  to.entries.clear();
  to.truncate_from = from;
  std::erase_if(to.released, [from](Index released) { return released >= from; });
}

void append(Write& to, std::vector<Entry>&& entries) {
  TROUPE_ASSERT(to.entries.empty() || entries.empty()
                || entries.front().id.index == next(to.entries.back().id.index));
  if (to.entries.empty())
    to.entries = std::move(entries);
  else
    std::ranges::move(entries, std::back_inserter(to.entries));
}

void release(Write& to, const std::vector<Index>& released) {
  for (const Index entry : released) {
    if (appends(to, entry))
      make_hole(to.entries.at(static_cast<std::size_t>(offset_of(to, entry))));
    else
      to.released.push_back(entry);
  }
}

/// Does `then` after all that `to` does. Requires: the log does not begin anew in `then`.
void add(Write& to, Write&& then) {
  TROUPE_ASSERT(!then.restart);
  to.id = then.id;
  to.hard_state = then.hard_state;
  if (then.snapshot)
    to.snapshot = std::move(then.snapshot);
  if (then.truncate_from)
    truncate(to, *then.truncate_from);
  append(to, std::move(then.entries));
  release(to, then.released);
  if (then.cut_before)
    to.cut_before = std::max(*then.cut_before, to.cut_before.value_or(Index{}));
}

/// Entries that are cut in the end are appended as holes: of the last of them the id stays.
void finish(Write& write) {
  if (write.cut_before) {
    const Index first = *write.cut_before;
    for (Entry& entry : write.entries) {
      if (entry.id.index >= first)
        break;
      make_hole(entry);
    }
    std::erase_if(write.released, [first](Index released) { return released < first; });
  }
  std::ranges::sort(write.released);
}

}  // namespace

std::vector<PeerWrite> fold(std::vector<PeerWrite> writes) {
  std::vector<PeerWrite> folded;
  std::map<PeerId, std::size_t> last;
  for (PeerWrite& write : writes) {
    if (write.write.restart) {
      // It says by its snapshot where the log begins; a later one must not.
      last.erase(write.peer);
      folded.push_back(std::move(write));
      continue;
    }
    const auto [at, is_first] = last.try_emplace(write.peer, folded.size());
    if (is_first)
      folded.push_back({.peer = write.peer, .write = {}});
    add(folded[at->second].write, std::move(write.write));
  }
  for (PeerWrite& write : folded)
    if (!write.write.restart)
      finish(write.write);
  return folded;
}

}  // namespace troupe::storage
