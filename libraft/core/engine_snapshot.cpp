#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace troupe {
namespace {

/// After a snapshot that failed, for want of space perhaps.
constexpr Duration retry_after = std::chrono::seconds(1);
/// While a follower is sent a snapshot, the next one waits until so many times its size was logged:
/// the transfer would begin anew with it, and never end if that went on.
constexpr std::size_t patience = 2;
constexpr std::uint64_t stretch_min_permille = 1000;
constexpr std::uint64_t stretch_max_permille = 1500;

}  // namespace

Result<EntryId> Engine::take_snapshot() {
  if (taking_ || stateless_ || !is_mended())
    return Refusal::busy;
  if (has_sound_snapshot() ? applied_ <= snapshot_->place.id.index : applied_ == Index{})
    return Refusal::not_found;
  snapshot_asked_ = true;
  return EntryId{log_.term_at(applied_), applied_};
}

/// Whether the next output asks for one. Each peer decides for itself (§5.1): no leader need be
/// asked for what only concerns our own disk.
bool Engine::snapshot_due() const {
  if (taking_ || stateless_ || applied_ == Index{} || now_ < snapshot_retry_at_)
    return false;
  if (!is_mended())
    return false;  // A state that never was, and entries that would mend it are holes.
  // Without it there is no way back from a restart: at once.
  if (snapshot_ && !snapshot_sound_)
    return true;
  if (snapshot_ && applied_ <= snapshot_->place.id.index)
    return false;
  if (snapshot_asked_ || enough_since_snapshot())
    return true;
  return role_ == Role::leader && std::ranges::any_of(leading().progress, [&](const auto& peer) {
           const auto wanted =
               may_want_snapshot(peer.second) ? snapshot_wanted(peer.second) : std::nullopt;
           return wanted && snapshot_for(peer.second) == nullptr && *wanted <= applied_;
         });
}

bool Engine::enough_since_snapshot() const {
  if (options_.snapshot_entries == 0 && options_.snapshot_bytes == 0)
    return false;
  const Index covered = snapshot_ ? snapshot_->place.id.index : Index{};
  const auto [bytes, holes] = log_.sum(next(covered), applied_);
  const std::uint64_t entries = applied_.value - covered.value - holes;
  const std::size_t size = snapshot_ ? static_cast<std::size_t>(snapshot_->size_bytes) : 0;
  const auto reached = [&](std::uint64_t count, std::uint64_t threshold) {
    const std::uint64_t more = stretch_permille_ - stretch_min_permille;
    return count >= threshold + threshold / 1000 * more + threshold % 1000 * more / 1000;
  };
  const bool many = options_.snapshot_entries > 0 && reached(entries, options_.snapshot_entries);
  const bool large =
      options_.snapshot_bytes > 0 && reached(bytes, std::max(options_.snapshot_bytes, size));
  if (!many && !large)
    return false;
  const bool sending =
      role_ == Role::leader && std::ranges::any_of(leading().progress, [&](const auto& peer) {
        return peer.second.transfer() && hears(peer.second);
      });
  return !sending || bytes >= patience * std::max(options_.snapshot_bytes, size);
}

/// Everything that is applied, and the configuration in force there.
SnapshotPlace Engine::place_applied() const {
  SnapshotPlace place{.id = {log_.term_at(applied_), applied_}};
  const auto after = mutant(Mutant::later_configuration_in_place)
                         ? configurations_.end()
                         : configurations_.upper_bound(applied_);
  if (after != configurations_.begin()) {
    place.configuration = std::prev(after)->second;
    place.configuration_index = std::prev(after)->first;
  }
  return place;
}

void Engine::on_snapshot_taken(const SnapshotTaken& taken) {
  TROUPE_ASSERT(taking_.has_value());
  TROUPE_ASSERT(!taken.head || taken.head->place.id == *taking_);
  taking_.reset();
  if (!taken.head) {
    snapshot_retry_at_ = now_ + retry_after;
    return;
  }
  // A leader's may have come in the meantime, and even been lost again.
  const Index covered = taken.head->place.id.index;
  const Index known = snapshot_ ? snapshot_->place.id.index : Index{};
  if (covered <= applied_ && (covered > known || (covered == known && !snapshot_sound_)))
    record_snapshot(*taken.head);
}

/// The snapshot counts from the next write on.
void Engine::record_snapshot(SnapshotHead head) {
  TROUPE_ASSERT(log_.contains(head.place.id) || mutant(Mutant::snapshot_beside_conflict));
  TROUPE_ASSERT(head.place.id.index <= applied_);
  snapshot_ = std::move(head);
  snapshot_sound_ = true;
  writes_.snapshot_changed();
  snapshot_asked_ = false;
  stretch_permille_ = draw_stretch();
}

/// Peers that apply the same entries must not all save at the same moment.
std::uint64_t Engine::draw_stretch() {
  return stretch_min_permille + stretches_.below(stretch_max_permille - stretch_min_permille);
}

void Engine::on_snapshot_lost(const SnapshotLost& lost) {
  if (!snapshot_ || snapshot_->id() != lost.id)
    return;
  snapshot_sound_ = false;
  cut_to_ = {};
  if (!lost.stateless)
    return;
  if (log_.before() == EntryId{}) {
    // Nothing was cut yet: the state can be built from the log alone.
    snapshot_.reset();
    writes_.snapshot_forgotten();
    applied_ = {};
    cleaner_.restart({});
    return;
  }
  // What we promised stands on our log and our term, and they are sound: we vote and accept. But
  // we could not serve what we were to lead.
  stateless_ = true;
  stir_leader();
  if (role_ != Role::follower)
    become_follower(hard_state_.term, nobody, {.cause = RoleCause::state_lost});
  role_changed_ = true;
  reads_.lose_all();
}

/// Once the snapshot is durable the log may end behind it. Some entries stay, for followers that
/// lag a little: to send them is cheaper than a snapshot.
void Engine::plan_cut(Index covered) {
  if (!has_sound_snapshot() || snapshot_->place.id.index != covered)
    return;
  cut_to_ =
      log_.first_of_last(covered, options_.snapshot_keep_entries, options_.snapshot_keep_bytes);
}

/// When to cut by a write of its own; cuts ride on other writes before that.
Time Engine::cut_deadline() const {
  return cut_to_ > log_.first() ? cut_at_ + options_.heartbeat_interval : never;
}

void Engine::cut_some(Write& write) {
  if (cut_to_ <= log_.first())
    return;
  const Index to = std::min(cut_to_, Index{log_.first().value + options_.cut_entries_max});
  TROUPE_ASSERT(to <= next(snapshot_->place.id.index));
  log_.cut_before(to);
  write.cut_before = to;
  cleaner_.forget_before(to);
  cut_at_ = now_;
  // The last configuration before the log's first entry is still in force there.
  const auto kept = configurations_.upper_bound(log_.before().index);
  if (kept != configurations_.begin())
    configurations_.erase(configurations_.begin(), std::prev(kept));
}

}  // namespace troupe
