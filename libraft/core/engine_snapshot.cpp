#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

Result<EntryId> Engine::take_snapshot() {
  if (snapshots_.taking() || stateless_ || !is_mended())
    return Refusal::busy;
  if (applied_ == Index{} || (snapshots_.has_sound() && applied_ <= snapshots_.covered()))
    return Refusal::not_found;
  snapshots_.ask();
  return EntryId{log_.term_at(applied_), applied_};
}

/// Whether the next output asks for one. Each peer decides for itself (§5.1): no leader need be
/// asked for what only concerns our own disk.
bool Engine::snapshot_due() const {
  if (stateless_ || applied_ == Index{} || !snapshots_.may_begin(now_))
    return false;
  if (!is_mended())
    return false;  // A state that never was, and entries that would mend it are holes.
  if (snapshots_.is_lost())
    return true;  // At once.
  if (applied_ <= snapshots_.covered())
    return false;
  if (snapshots_.was_asked() || follower_wants_new_snapshot())
    return true;
  return snapshots_.has_grown(log_, applied_)
         && (!sends_snapshot() || snapshots_.has_outgrown_sending(log_, applied_));
}

bool Engine::sends_snapshot() const {
  return role_ == Role::leader && std::ranges::any_of(leading().followers, [&](const auto& peer) {
           return peer.second.sending() && hears(peer.second);
         });
}

/// Whether a follower wants one that covers more than the last, and one taken by now would do.
bool Engine::follower_wants_new_snapshot() const {
  return role_ == Role::leader && std::ranges::any_of(leading().followers, [&](const auto& peer) {
           const auto wanted = snapshot_wanted(peer.second);
           return wanted && snapshot_for(peer.second) == nullptr && *wanted <= applied_;
         });
}

/// Everything that is applied, and the configuration in force there.
SnapshotPlace Engine::place_applied() const {
  SnapshotPlace place{.id = {log_.term_at(applied_), applied_}};
  const auto* in_force = configurations_.at(applied_);
  if (mutant(Mutant::later_configuration_in_place))
    in_force = configurations_.at(log_.last().index);
  if (in_force != nullptr) {
    place.configuration = in_force->second;
    place.configuration_index = in_force->first;
  }
  return place;
}

/// The snapshot counts from the next write on.
void Engine::record_snapshot(SnapshotHead head) {
  if (!mutant(Mutant::snapshot_beside_conflict))
    TROUPE_ASSERT(log_.contains(head.place.id));
  TROUPE_ASSERT(head.place.id.index <= applied_);
  snapshots_.record(std::move(head));
  writes_.snapshot_changed();
}

void Engine::on_snapshot_lost(const SnapshotLost& lost) {
  if (!snapshots_.last() || snapshots_.last()->id() != lost.id)
    return;
  snapshots_.lose();
  cutter_.give_up();
  if (!lost.stateless)
    return;
  if (log_.before() == EntryId{}) {
    // Nothing was cut yet: the state can be built from the log alone.
    snapshots_.forget();
    writes_.snapshot_forgotten();
    applied_ = {};
    cleaner_.restart({});
    return;
  }
  // What we promised stands on our log and our term, and they are sound: we vote and accept. But
  // we could not serve what we were to lead.
  stateless_ = true;
  wake_leader();
  if (role_ != Role::follower)
    become_follower(hard_state_.term, nobody, {.cause = RoleCause::state_lost});
  role_changed_ = true;
  reads_.lose_all();
}

}  // namespace troupe
