#include "storage/journal/journaled_store.hpp"

#include "storage/acknowledged.hpp"
#include "storage/journal/fold.hpp"
#include "storage/journal/journal_batch.hpp"
#include "storage/memory_store.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace troupe::storage {

namespace {

bool is_full_disk(const Problem& problem) {
  return problem && problem->kind == StoreError::Kind::no_space;
}

/// So much of a half, the last of it, is kept for what has no entries.
constexpr std::uint64_t kept_part = 8;

class JournaledStore final : public Store {
public:
  /// `found` is what stands in the journal and not in the store.
  JournaledStore(std::unique_ptr<MarkedStore> store, Journal journal, AcknowledgedFile acknowledged,
                 std::vector<PeerWrite> found)
      : store_(std::move(store)),
        journal_(std::move(journal)),
        acknowledged_(std::move(acknowledged)),
        current_{.writes = std::move(found), .bytes = 0, .last = journal_.last()},
        stats_(store_->stats()),
        full_(store_->is_full()) {}

  /// To begin with: the records that were found go to the store, or stay if that is full.
  Problem start();
  /// An orderly end leaves nothing for the next start to do. If it fails, nothing is lost.
  ~JournaledStore() override { [[maybe_unused]] const Problem problem = drain(); }

  Outcome<std::vector<PeerRecord>> peers() override;
  std::optional<StoreError> put_peer(const PeerRecord& peer) override;
  std::optional<StoreError> delete_peer(PeerId peer) override;
  Outcome<Recovered> recover(PeerId peer) override;
  std::optional<StoreError> write(std::span<const PeerWrite> writes) override;
  StoreStats stats() override;
  bool make_room() override;

private:
  /// What stands in one half of the journal, and not in the store. What was found there may stand
  /// in both: it counts as one, for the store gets it as a whole.
  struct Part {
    std::vector<PeerWrite> writes{};
    std::uint64_t bytes = 0;
    std::uint64_t last = 0;  ///< Its last record.
  };

  bool fits(std::span<const PeerWrite> writes, std::size_t bytes);
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
  Problem note(Problem problem);
  Problem check_peers();

  std::unique_ptr<MarkedStore> store_;  ///< Belongs to the thread that drains, while one does.
  Journal journal_;
  AcknowledgedFile acknowledged_;
  BatchWriter writer_{};
  Part former_{};          ///< In the other half: is being drained, or could not be.
  Part current_{};         ///< In the half that is written.
  bool reserved_ = false;  ///< The store will find room for all that the current half can hold.
  std::uint64_t appended_ = 0;
  StoreStats stats_{};  ///< Of the store, when it was last at rest.
  bool full_ = false;   ///< The store is.
  bool stuck_ = false;  ///< It had no room for a part, which stands in the journal alone.
  Problem broken_{};
  std::future<Problem> draining_{};
};

// ---- writing

std::optional<StoreError> JournaledStore::write(std::span<const PeerWrite> writes) {
  notice_end_of_draining();
  if (broken_ || writes.empty())
    return broken_;
  const Value record = writer_.write(writes);
  if (!fits(writes, record.size()))
    return write_through(writes);
  if ((broken_ = journal_.append(record)))
    return broken_;
  if ((broken_ = acknowledged_.acknowledge(journal_.last())))
    return broken_;
  ++appended_;
  current_.last = journal_.last();
  current_.bytes += record.size();
  current_.writes.insert(current_.writes.end(), writes.begin(), writes.end());
  return std::nullopt;
}

/// Whether the journal takes `bytes` of `writes`, and the store will take them from there. Where it
/// does not take what stands there already, it is given no entries more; but votes cannot wait, and
/// what is cut or released makes room.
bool JournaledStore::fits(std::span<const PeerWrite> writes, std::size_t bytes) {
  const bool has_entries = std::ranges::any_of(
      writes, [](const PeerWrite& write) { return !write.write.entries.empty(); });
  const std::size_t needed = bytes + (has_entries ? journal_.record_bytes_max() / kept_part : 0);
  if (needed > journal_.record_bytes_max())
    return false;
  if (stuck_)
    return !has_entries && journal_.has_room(bytes);
  return !full_ && reserve_half() && (journal_.has_room(needed) || turn());
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
  const auto task = [this] { return move(former_); };
  try {
    draining_ = std::async(std::launch::async, task);
  } catch (const std::system_error&) {
    // There is no thread. The next write that needs the half does it then.
    draining_ = std::async(std::launch::deferred, task);
  }
  return true;
}

/// In order: behind all that the journal holds.
std::optional<StoreError> JournaledStore::write_through(std::span<const PeerWrite> writes) {
  if (auto problem = drain())
    return problem;
  return note(store_->write(writes));
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
  stuck_ = false;
  return broken_;
}

Problem JournaledStore::drain(Part& part) {
  if (broken_ || part.writes.empty())
    return broken_;
  auto problem = note(move(part));
  stuck_ = problem.has_value();
  if (!problem)
    part = {};
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
  stuck_ = note(draining_.get()).has_value();
  if (!stuck_)
    former_ = {};
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

/// What the store came to. What breaks it breaks us.
Problem JournaledStore::note(Problem problem) {
  look_at_store();
  if (problem && problem->kind != StoreError::Kind::no_space)
    broken_ = problem;
  return problem;
}

Problem JournaledStore::start() {
  if ((broken_ = check_peers()))
    return broken_;
  auto problem = drain();
  return is_full_disk(problem) ? std::nullopt : problem;
}

/// A journal that is not this store's most likely goes on with peers that it does not know.
Problem JournaledStore::check_peers() {
  const auto outcome = store_->peers();
  if (const auto* error = std::get_if<StoreError>(&outcome))
    return *error;
  std::set<PeerId> known;
  for (const PeerRecord& peer : std::get<std::vector<PeerRecord>>(outcome))
    known.insert(peer.id);
  for (const PeerWrite& write : current_.writes)
    if (!known.contains(write.peer))
      return corrupt(journal_.path() + ": belongs to another copy of the store: of the peer "
                     + std::to_string(write.peer.value) + " nothing stands there");
  return std::nullopt;
}

// ---- all else

Outcome<std::vector<PeerRecord>> JournaledStore::peers() {
  finish_draining();
  return store_->peers();
}

/// What the journal holds of peers need not be there before: it changes none that is not.
std::optional<StoreError> JournaledStore::put_peer(const PeerRecord& peer) {
  if (auto problem = drain(); problem && !is_full_disk(problem))
    return problem;
  return note(store_->put_peer(peer));
}

/// What the journal holds of the peer must be in the store by then: it would be of nobody there.
std::optional<StoreError> JournaledStore::delete_peer(PeerId peer) {
  if (auto problem = drain())
    return problem;
  return note(store_->delete_peer(peer));
}

/// What found no room in the store is added here.
Outcome<Recovered> JournaledStore::recover(PeerId peer) {
  if (auto problem = drain(); problem && !is_full_disk(problem))
    return *problem;
  auto outcome = store_->recover(peer);
  if (auto* recovered = std::get_if<Recovered>(&outcome))
    for (const Part* part : {&former_, &current_})
      for (const PeerWrite& write : part->writes)
        if (write.peer == peer)
          apply(write.write, *recovered);
  return outcome;
}

StoreStats JournaledStore::stats() {
  notice_end_of_draining();
  StoreStats stats = stats_;
  stats.commits += appended_;
  stats.full = stats.full || stuck_;
  return stats;
}

bool JournaledStore::make_room() {
  finish_draining();
  [[maybe_unused]] const bool made = store_->make_room();
  look_at_store();
  return !(stuck_ && drain()) && !full_;
}

}  // namespace

Outcome<std::unique_ptr<Store>> put_journal_before(std::unique_ptr<MarkedStore> store,
                                                   const JournalOptions& options) {
  auto acknowledged = AcknowledgedFile::open(options.directory, acknowledged_of_journal);
  if (auto* error = std::get_if<StoreError>(&acknowledged))
    return *error;
  std::vector<PeerWrite> writes;
  auto journal = Journal::open({.directory = options.directory,
                                .bytes = options.bytes,
                                .applied = store->last_record(),
                                .acknowledged = std::get<AcknowledgedFile>(acknowledged).number()},
                               [&](Value record) { return read_batch(record, writes); });
  if (auto* error = std::get_if<StoreError>(&journal)) {
    // A full disk must not keep a node from starting.
    if (error->kind == StoreError::Kind::no_space)
      return std::unique_ptr<Store>(std::move(store));
    return *error;
  }
  auto journaled = std::make_unique<JournaledStore>(
      std::move(store), std::move(std::get<Journal>(journal)),
      std::move(std::get<AcknowledgedFile>(acknowledged)), std::move(writes));
  if (auto problem = journaled->start())
    return *problem;
  return std::unique_ptr<Store>(std::move(journaled));
}

}  // namespace troupe::storage
