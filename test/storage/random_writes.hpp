#pragma once

#include "core/random.hpp"
#include "storage/memory_store.hpp"
#include "test/storage/samples.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::storage {

inline bool is_same(const Recovered& a, const Recovered& b) {
  return a.hard_state == b.hard_state && a.before == b.before && a.entries == b.entries
         && a.snapshot == b.snapshot;
}

inline SnapshotHead snapshot_of(EntryId id, std::uint64_t hash) {
  return {.place = {.id = id,
                    .configuration = {.voters = {{{1}, "peer1", "127.0.0.1:4001"}}},
                    .configuration_index = {1}},
          .size_bytes = 100,
          .hash = hash};
}

inline EntryId last_of(const Recovered& log) {
  return log.entries.empty() ? log.before : log.entries.back().id;
}

/// Makes writes that an engine might ask for, of all that a write can hold.
class RandomWrites {
public:
  explicit RandomWrites(std::uint64_t seed) : random_(seed) {}

  /// One that continues `log`.
  Write next_of(const Recovered& log) {
    Write write;
    write.hard_state = {.term = {log.hard_state.term.value + chance(3)},
                        .voted_for = {1 + random_.below(5)},
                        .cluster = {99}};
    EntryId last = last_of(log);
    if (chance(25)) {
      last = {.term = write.hard_state.term, .index = {last.index.value + 1 + random_.below(9)}};
      write.restart = true;
      write.snapshot = snapshot_of(last, random_.below(1000));
    } else if (chance(6)) {
      const std::uint64_t kept =
          std::max(log.before.index, log.snapshot ? log.snapshot->place.id.index : Index{}).value;
      write.truncate_from = Index{between(kept + 1, last.index.value + 1)};
      last.index = prev(*write.truncate_from);
    }
    for (std::uint64_t i = random_.below(6); i > 0; --i) {
      last = {.term = write.hard_state.term, .index = next(last.index)};
      write.entries.push_back(random_entry(last));
    }
    Recovered after = log;
    apply(write, after);
    release_some(after, write);
    if (!write.restart)
      cover_and_cut(after, write);
    return write;
  }

private:
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + random_.below(high - low + 1);
  }
  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }

  Entry random_entry(EntryId id) {
    Entry made = entry(id.term.value, id.index.value, "");
    if (chance(6))
      made.kind = EntryKind::released;
    else
      made.payload = Bytes::copy_of(
          std::string(random_.below(chance(10) ? 9000 : 300), static_cast<char>(id.index.value)));
    return made;
  }

  void release_some(const Recovered& log, Write& write) {
    if (log.entries.empty() || !chance(2))
      return;
    const std::size_t first = random_.below(log.entries.size());
    const std::size_t end = std::min(log.entries.size(), first + 1 + random_.below(30));
    const bool gaps = chance(2);
    for (std::size_t at = first; at < end; ++at) {
      if (!gaps || chance(2))
        write.released.push_back(log.entries[at].id.index);
    }
  }

  void cover_and_cut(const Recovered& log, Write& write) {
    Index covered = log.snapshot ? log.snapshot->place.id.index : Index{};
    if (chance(5) && last_of(log).index > covered) {
      const std::uint64_t from = std::max(covered, log.before.index).value + 1;
      const std::size_t at = static_cast<std::size_t>(between(from, last_of(log).index.value)
                                                      - next(log.before.index).value);
      write.snapshot = snapshot_of(log.entries.at(at).id, random_.below(1000));
      covered = log.entries[at].id.index;
    }
    if (chance(4) && covered > log.before.index)
      write.cut_before = Index{between(log.before.index.value, covered.value) + 1};
  }

  Random random_;
};

}  // namespace troupe::storage
