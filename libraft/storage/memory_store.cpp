#include "storage/memory_store.hpp"

#include "core/assert.hpp"

#include <iterator>
#include <utility>

namespace troupe::storage {

namespace {

class MemoryStore final : public Store {
public:
  explicit MemoryStore(MemoryDisk& disk) : disk_(disk) {}

  Outcome<std::vector<PeerRecord>> peers() override {
    std::vector<PeerRecord> all;
    for (const auto& [name, peer] : disk_.peers)
      all.push_back(peer);
    return all;
  }

  std::optional<StoreError> put_peer(const PeerRecord& peer) override {
    if (auto error = take_fault())
      return error;
    for (const auto& [name, known] : disk_.peers)
      TROUPE_ASSERT((known.id == peer.id) == (name == peer.name));
    disk_.peers[peer.name] = peer;
    commit();
    return std::nullopt;
  }

  std::optional<StoreError> delete_peer(PeerId peer) override {
    if (auto error = take_fault())
      return error;
    std::erase_if(disk_.peers, [&](const auto& known) { return known.second.id == peer; });
    disk_.logs.erase(peer);
    commit();
    return std::nullopt;
  }

  Outcome<Recovered> recover(PeerId peer) override {
    const auto log = disk_.logs.find(peer);
    return log == disk_.logs.end() ? Recovered{} : log->second;
  }

  std::optional<StoreError> write(std::span<const PeerWrite> writes) override {
    if (auto error = take_fault())
      return error;
    if (writes.empty())
      return std::nullopt;
    for (const PeerWrite& write : writes)
      if (disk_.refuses_entries && !write.write.entries.empty())
        return StoreError{StoreError::Kind::no_space, "no room"};
    for (const PeerWrite& write : writes)
      apply(write.write, disk_.logs[write.peer]);
    commit();
    return std::nullopt;
  }

  StoreStats stats() override {
    StoreStats stats{.commits = commits_, .full = disk_.full};
    for (const auto& [peer, log] : disk_.logs) {
      for (const Entry& entry : log.entries)
        stats.used_bytes += size_bytes(entry);
    }
    return stats;
  }

  bool make_room() override { return !disk_.full; }

private:
  std::optional<StoreError> take_fault() {
    if (broken_)
      return broken_;
    auto fault = std::exchange(disk_.fail_next_write, std::nullopt);
    if (fault && fault->kind != StoreError::Kind::no_space)
      broken_ = fault;
    return fault;
  }

  void commit() {
    ++commits_;
    ++disk_.commits;
  }

  MemoryDisk& disk_;
  std::uint64_t commits_ = 0;
  std::optional<StoreError> broken_{};
};

}  // namespace

void apply(const Write& write, Recovered& log) {
  log.hard_state = write.hard_state;
  if (write.snapshot)
    log.snapshot = write.snapshot;
  if (write.restart) {
    TROUPE_ASSERT(write.snapshot);
    log.before = write.snapshot->place.id;
    log.entries.clear();
  }
  const auto offset_of = [&](Index index) {
    TROUPE_ASSERT(index > log.before.index);
    const std::uint64_t offset = index.value - next(log.before.index).value;
    TROUPE_ASSERT(offset <= log.entries.size());
    return static_cast<std::ptrdiff_t>(offset);
  };
  if (write.truncate_from)
    log.entries.erase(log.entries.begin() + offset_of(*write.truncate_from), log.entries.end());
  for (const Entry& entry : write.entries) {
    TROUPE_ASSERT(offset_of(entry.id.index) == std::ssize(log.entries));
    log.entries.push_back(entry);
  }
  for (const Index index : write.released) {
    Entry& entry = log.entries.at(static_cast<std::size_t>(offset_of(index)));
    entry = {.id = entry.id, .kind = EntryKind::released, .payload = {}};
  }
  if (write.cut_before && *write.cut_before > next(log.before.index)) {
    const auto first = log.entries.begin() + offset_of(*write.cut_before);
    log.before = std::prev(first)->id;
    log.entries.erase(log.entries.begin(), first);
  }
  TROUPE_ASSERT(log.before.index == Index{}
                || (log.snapshot && log.snapshot->place.id.index >= log.before.index));
}

std::unique_ptr<Store> open_memory_store(MemoryDisk& disk) {
  return std::make_unique<MemoryStore>(disk);
}

}  // namespace troupe::storage
