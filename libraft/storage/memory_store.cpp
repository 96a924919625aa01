#include "storage/memory_store.hpp"

#include "core/assert.hpp"

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

  Outcome<Recovered> recover(PeerId peer) override {
    const auto log = disk_.logs.find(peer);
    if (log == disk_.logs.end())
      return Recovered{};
    return Recovered{.hard_state = log->second.hard_state, .entries = log->second.entries};
  }

  std::optional<StoreError> write(std::span<const PeerWrite> writes) override {
    if (auto error = take_fault())
      return error;
    if (writes.empty())
      return std::nullopt;
    for (const PeerWrite& write : writes)
      apply(write.write, disk_.logs[write.peer]);
    commit();
    return std::nullopt;
  }

  StoreStats stats() override {
    StoreStats stats{.commits = commits_};
    for (const auto& [peer, log] : disk_.logs) {
      for (const Entry& entry : log.entries)
        stats.used_bytes += size_bytes(entry);
    }
    return stats;
  }

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

void apply(const Write& write, MemoryDisk::Log& log) {
  log.hard_state = write.hard_state;
  if (write.truncate_from) {
    const std::uint64_t kept = prev(*write.truncate_from).value;
    TROUPE_ASSERT(kept <= log.entries.size());
    log.entries.resize(kept);
  }
  for (const Entry& entry : write.entries) {
    TROUPE_ASSERT(entry.id.index.value == log.entries.size() + 1);
    log.entries.push_back(entry);
  }
}

std::unique_ptr<Store> open_memory_store(MemoryDisk& disk) {
  return std::make_unique<MemoryStore>(disk);
}

}  // namespace troupe::storage
