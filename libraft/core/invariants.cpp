#include "core/invariants.hpp"

namespace troupe {
namespace {

/// What must hold at any moment.
std::optional<std::string_view> broken_now(const EngineView& now) {
  if (now.applied > now.commit)
    return "applied <= commit";
  if (now.commit > now.last.index)
    return "commit <= last";
  if (now.persisted > now.last.index)
    return "persisted <= last";
  if (now.first > next(now.applied))
    return "what is not applied is in the log";
  if (now.snapshot
      && (now.snapshot->place.id.index > now.last.index
          || now.first > next(now.snapshot->place.id.index)))
    return "a snapshot ends within the log";
  if (now.stateless && now.role != Role::follower)
    return "who has no state only follows";
  if (now.hard_state.set_back && now.role != Role::follower)
    return "who was set back only follows";
  if (now.last.term > now.hard_state.term)
    return "no entry is from a term we have not reached";
  if (now.role == Role::leader && now.leader != now.self)
    return "a leader knows that it leads";
  if (now.role != Role::leader && now.leader == now.self)
    return "who does not lead does not say so";
  if ((now.role == Role::leader || now.role == Role::candidate)
      && now.hard_state.voted_for != now.self)
    return "a leader or candidate voted for itself";
  if (now.configuration_index > now.last.index)
    return "the configuration in force is in the log";
  for (const auto& [peer, follower] : now.followers) {
    if (follower.match >= follower.next)
      return "match < next";
    if (follower.match > now.last.index)
      return "a follower matches no more than the leader has";
  }
  return std::nullopt;
}

/// What may change from one moment to the next.
std::optional<std::string_view> broken_change(const EngineView& before, const EngineView& now) {
  if (now.hard_state.term < before.hard_state.term)
    return "terms do not go back";
  if (now.commit < before.commit)
    return "what is committed stays committed";
  // A peer that has lost its snapshot and has its whole log applies all of it once more.
  if (now.applied < before.applied && now.applied != Index{})
    return "what is applied stays applied";
  if (now.first < before.first)
    return "what was cut stays cut";
  if (before.hard_state.cluster != ClusterId{}
      && now.hard_state.cluster != before.hard_state.cluster)
    return "a peer stays in its cluster";
  if (before.hard_state.set_back && !now.hard_state.set_back)
    return "who was set back stays so";
  if (now.hard_state.term != before.hard_state.term)
    return std::nullopt;
  if (before.hard_state.voted_for != nobody
      && now.hard_state.voted_for != before.hard_state.voted_for)
    return "one vote a term";
  if (before.leader != nobody && now.leader != nobody && now.leader != before.leader)
    return "one leader a term";
  if (before.role == Role::leader && now.role == Role::leader && now.last.index < before.last.index)
    return "a leader only appends";
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> broken_invariant(const EngineView& before, const EngineView& now) {
  if (const auto broken = broken_now(now))
    return broken;
  return broken_change(before, now);
}

}  // namespace troupe
