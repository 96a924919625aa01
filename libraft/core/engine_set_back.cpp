#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

namespace troupe {

// A disk that was set back holds what it held earlier, and its peer has forgotten what it promised
// since. What proves it, and why nobody else is ever accused: docs/decisions/0009.

/// From here on nobody is to count us. What we are about to promise is not to be said any more.
void Engine::find_self_set_back(EntryId acknowledged) {
  TROUPE_ASSERT(role_ == Role::follower);
  set_back_.push_back(
      {.peer = options_.self, .acknowledged = acknowledged.index, .last = log_.last().index});
  hard_state_.set_back = true;
  if (!mutant(Mutant::set_back_not_written))
    writes_.hard_state_changed();
  outbox_.drop_messages();
  receiver_.give_up();
  reads_.lose_all();
}

/// Nothing that it said counts any more, and until it joins again as another incarnation nothing
/// that it says.
void Engine::find_set_back(PeerId peer, Progress& progress, const AppendResponse& response) {
  const auto* rejected = std::get_if<Rejected>(&response.verdict);
  set_back_.push_back({.peer = peer,
                       .acknowledged = progress.match(),
                       .last = rejected != nullptr ? rejected->hint.index : Index{}});
  wake();
  progress.found_set_back();
}

/// What a follower is told that it has acknowledged. A standby need not have kept it.
EntryId Engine::claim_to(const Progress& progress) const {
  if (progress.pace() == Pace::rest && !progress.is_set_back())
    return {};
  const Index sent = prev(progress.next());
  if (mutant(Mutant::claims_what_was_sent))
    if (sent > log_.before().index)
      return {log_.term_at(sent), sent};
  return progress.claim();
}

}  // namespace troupe
