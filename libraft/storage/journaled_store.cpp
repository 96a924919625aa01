#include "storage/journaled_store.hpp"

#include "storage/fold.hpp"
#include "storage/journal_batch.hpp"

#include <chrono>
#include <future>
#include <utility>
#include <vector>

namespace troupe::storage {

namespace {

class JournaledStore final : public Store {
public:
  JournaledStore(std::unique_ptr<MarkedStore> store, Journal journal, Witness witness)
      : store_(std::move(store)),
        journal_(std::move(journal)),
        witness_(std::move(witness)),
        stats_(store_->stats()),
        full_(store_->is_full()) {}
  /// Whoever closes it in order leaves nothing for the next to do. If it fails, nothing is lost.
  ~JournaledStore() override { [[maybe_unused]] const Problem problem = drain(); }

  Outcome<std::vector<PeerRecord>> peers() override;
  std::optional<StoreError> put_peer(const PeerRecord& peer) override;
  Outcome<Recovered> recover(PeerId peer) override;
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override;
  StoreStats stats() override;
  bool make_room() override;

private:
  /// What stands in one half of the journal and not in the store.
  struct Part {
    std::vector<PeerWrite> writes{};
    std::uint64_t bytes = 0;
    std::uint64_t last = 0;  ///< Its last record.
  };

  bool fits(std::size_t bytes);
  bool reserve_half();
  bool turn();
  std::optional<StoreError> write_through(std::span<const PeerWrite> writes);
  Problem drain();
  Problem drain(Part& part);
  Problem move(Part& part);
  bool is_draining() const { return draining_.valid(); }
  void finish_draining();
  void notice_end_of_draining();
  void look_at_store();

  std::unique_ptr<MarkedStore> store_;  ///< Belongs to the thread that drains, while one does.
  Journal journal_;
  Witness witness_;
  BatchWriter writer_{};
  Part former_{};          ///< In the other half: is being drained, or could not be.
  Part current_{};         ///< In the half that is written.
  bool reserved_ = false;  ///< The store will find room for all that the current half can hold.
  std::uint64_t appended_ = 0;
  StoreStats stats_{};  ///< Of the store, when it was last at rest.
  bool full_ = false;
  Problem broken_{};
  std::future<Problem> draining_{};
};

// ---- writing

std::optional<StoreError> JournaledStore::write(std::span<const PeerWrite> writes) {
  notice_end_of_draining();
  if (broken_ || writes.empty())
    return broken_;
  const Value record = writer_.write(writes);
  if (!fits(record.size()))
    return write_through(writes);
  if ((broken_ = journal_.append(record)))
    return broken_;
  if ((broken_ = witness_.acknowledge(journal_.last())))
    return broken_;
  ++appended_;
  current_.last = journal_.last();
  current_.bytes += record.size();
  current_.writes.insert(current_.writes.end(), writes.begin(), writes.end());
  return std::nullopt;
}

/// Whether the journal takes so many bytes, and the store will take them from there.
bool JournaledStore::fits(std::size_t bytes) {
  if (full_ || bytes > journal_.record_bytes_max() || !reserve_half())
    return false;
  return journal_.has_room(bytes) || turn();
}

bool JournaledStore::reserve_half() {
  if (!reserved_ && !is_draining() && former_.writes.empty())
    reserved_ = store_->reserve(current_.bytes + journal_.record_bytes_max());
  return reserved_;
}

/// Goes on in the other half, once the store has what stands there, and lets it have the rest
/// meanwhile.
bool JournaledStore::turn() {
  finish_draining();
  if (broken_ || full_ || !former_.writes.empty()
      || !store_->reserve(current_.bytes + journal_.record_bytes_max()))
    return false;
  former_ = std::exchange(current_, {});
  journal_.turn();
  draining_ = std::async(std::launch::async, [this] { return move(former_); });
  return true;
}

/// In order: behind all that the journal holds.
std::optional<StoreError> JournaledStore::write_through(std::span<const PeerWrite> writes) {
  if (auto problem = drain())
    return problem;
  auto problem = store_->write(writes);
  look_at_store();
  return problem;
}

// ---- draining

/// Moves all to the store. If it has no room for some time, all stays where it is.
Problem JournaledStore::drain() {
  finish_draining();
  for (Part* part : {&former_, &current_})
    if (auto problem = drain(*part))
      return problem;
  journal_.restart();
  reserved_ = false;
  return broken_;
}

Problem JournaledStore::drain(Part& part) {
  if (broken_ || part.writes.empty())
    return broken_;
  auto problem = move(part);
  look_at_store();
  if (!problem)
    part = {};
  else if (problem->kind != StoreError::Kind::no_space)
    broken_ = problem;
  return problem;
}

/// What came and went within the part does not get as far as the store.
Problem JournaledStore::move(Part& part) {
  part.writes = fold(std::move(part.writes));
  return store_->write_upto(part.writes, part.last);
}

/// Waits for the thread that drains, if there is one.
void JournaledStore::finish_draining() {
  if (!is_draining())
    return;
  const Problem problem = draining_.get();
  look_at_store();
  if (!problem)
    former_ = {};
  else if (problem->kind != StoreError::Kind::no_space)
    broken_ = problem;
}

void JournaledStore::notice_end_of_draining() {
  if (is_draining() && draining_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
    finish_draining();
}

void JournaledStore::look_at_store() {
  reserved_ = reserved_ && !store_->is_full();
  full_ = store_->is_full();
  stats_ = store_->stats();
}

// ---- all else

Outcome<std::vector<PeerRecord>> JournaledStore::peers() {
  finish_draining();
  return store_->peers();
}

std::optional<StoreError> JournaledStore::put_peer(const PeerRecord& peer) {
  if (auto problem = drain())
    return problem;
  auto problem = store_->put_peer(peer);
  look_at_store();
  return problem;
}

Outcome<Recovered> JournaledStore::recover(PeerId peer) {
  if (auto problem = drain())
    return *problem;
  return store_->recover(peer);
}

StoreStats JournaledStore::stats() {
  notice_end_of_draining();
  StoreStats stats = stats_;
  stats.commits += appended_;
  return stats;
}

bool JournaledStore::make_room() {
  finish_draining();
  const bool made = store_->make_room();
  look_at_store();
  return made;
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
    if (auto problem = store->write_upto(fold(std::move(writes)), opened.last()))
      return *problem;
  opened.restart();
  return std::unique_ptr<Store>(std::make_unique<JournaledStore>(
      std::move(store), std::move(opened), std::move(std::get<Witness>(witness))));
}

}  // namespace troupe::storage
