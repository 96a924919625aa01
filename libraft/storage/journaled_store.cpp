#include "storage/journaled_store.hpp"

#include "storage/journal_batch.hpp"

#include <utility>
#include <vector>

namespace troupe::storage {

namespace {

class JournaledStore final : public Store {
public:
  JournaledStore(std::unique_ptr<MarkedStore> store, Journal journal, Witness witness)
      : store_(std::move(store)), journal_(std::move(journal)), witness_(std::move(witness)) {}
  /// Whoever closes it in order leaves nothing for the next to do. If it fails, nothing is lost.
  ~JournaledStore() override { [[maybe_unused]] const Problem problem = drain(); }

  Outcome<std::vector<PeerRecord>> peers() override { return store_->peers(); }
  std::optional<StoreError> put_peer(const PeerRecord& peer) override {
    if (auto problem = drain())
      return problem;
    return store_->put_peer(peer);
  }
  Outcome<Recovered> recover(PeerId peer) override {
    if (auto problem = drain())
      return *problem;
    return store_->recover(peer);
  }
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override;
  void settle() override;
  bool make_room() override { return store_->make_room(); }
  StoreStats stats() override {
    StoreStats stats = store_->stats();
    stats.commits += appended_;
    return stats;
  }

private:
  std::optional<StoreError> write_through(std::span<const PeerWrite> writes);
  bool fits(std::size_t bytes);
  Problem drain();

  std::unique_ptr<MarkedStore> store_;
  Journal journal_;
  Witness witness_;
  BatchWriter writer_{};
  std::vector<PeerWrite> pending_{};  ///< In the journal, and not in the store.
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t appended_ = 0;
  Problem broken_{};
};

std::optional<StoreError> JournaledStore::write(std::span<const PeerWrite> writes) {
  if (broken_ || writes.empty())
    return broken_;
  const Value record = writer_.write(writes);
  if (!fits(record.size()))
    return write_through(writes);
  if ((broken_ = journal_.append(record)))
    return broken_;
  witness_.acknowledge(journal_.last());
  ++appended_;
  pending_bytes_ += record.size();
  pending_.insert(pending_.end(), writes.begin(), writes.end());
  return std::nullopt;
}

/// Whether the journal takes so many bytes, and the store will take them from there.
bool JournaledStore::fits(std::size_t bytes) {
  if (store_->is_full())
    return false;
  if (!journal_.has_room(bytes) && drain())
    return false;
  return journal_.has_room(bytes) && store_->reserve(pending_bytes_ + bytes);
}

/// In order: behind all that the journal holds.
std::optional<StoreError> JournaledStore::write_through(std::span<const PeerWrite> writes) {
  if (auto problem = drain())
    return problem;
  return store_->write(writes);
}

/// Half of the journal is left for what comes while the store is busy.
void JournaledStore::settle() {
  if (!broken_ && journal_.is_half_full()) [[maybe_unused]]
    const Problem problem = drain();
}

/// Moves all to the store. If it has no room for some time, all stays where it is.
Problem JournaledStore::drain() {
  if (broken_ || journal_.empty())
    return broken_;
  if (auto problem = store_->write_upto(pending_, journal_.last())) {
    if (problem->kind != StoreError::Kind::no_space)
      broken_ = problem;
    return problem;
  }
  pending_.clear();
  pending_bytes_ = 0;
  journal_.restart();
  return std::nullopt;
}

}  // namespace

Outcome<std::unique_ptr<Store>> put_journal_before(std::unique_ptr<MarkedStore> store,
                                                   const JournalOptions& options) {
  auto witness = Witness::open(options.directory, witness_of_journal);
  if (auto* error = std::get_if<StoreError>(&witness))
    return *error;
  std::vector<PeerWrite> writes;
  auto journal = Journal::open({.directory = options.directory,
                                .bytes = options.bytes,
                                .applied = store->last_record(),
                                .acknowledged = std::get<Witness>(witness).acknowledged()},
                               [&](Value record) { return read_batch(record, writes); });
  if (auto* error = std::get_if<StoreError>(&journal)) {
    // A full disk must not keep a node from starting.
    if (error->kind == StoreError::Kind::no_space)
      return std::unique_ptr<Store>(std::move(store));
    return *error;
  }
  auto& opened = std::get<Journal>(journal);
  if (!writes.empty())
    if (auto problem = store->write_upto(writes, opened.last()))
      return *problem;
  opened.restart();
  return std::unique_ptr<Store>(std::make_unique<JournaledStore>(
      std::move(store), std::move(opened), std::move(std::get<Witness>(witness))));
}

}  // namespace troupe::storage
