#include "test/sim/explorer/rules.hpp"

#include "test/sim/state.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <utility>

namespace troupe::sim {

void Rules::fail(std::string what) {
  if (!violation_)
    violation_ = std::move(what);
}

void Rules::check(const Applied& applied, Term term, const Election& election) {
  if (std::ranges::find(election.log, applied.id) == election.log.end())
    fail("peer " + std::to_string(election.leader.value) + " leads term "
         + std::to_string(term.value) + " without " + text(applied.id) + ", applied in term "
         + std::to_string(applied.in_term.value));
}

bool Rules::knows(const Engine& leader, unsigned life) const {
  const auto it = elections_.find(leader.term());
  return it != elections_.end() && it->second.leader == leader.leader() && it->second.life == life;
}

void Rules::elected(const Engine& engine, unsigned life) {
  const PeerId leader = engine.leader();
  const auto [it, is_new] = elections_.try_emplace(engine.term());
  if (!is_new)
    return fail("term " + std::to_string(engine.term().value) + " is led by peer "
                + std::to_string(it->second.leader.value) + " and by peer "
                + std::to_string(leader.value));
  it->second.leader = leader;
  it->second.life = life;
  for (Index i = engine.log().first(); i <= engine.log().last().index; i = next(i))
    it->second.log.push_back(engine.log().at(i).id);
  for (const Applied& applied : applied_)
    if (applied.in_term < engine.term())
      check(applied, it->first, it->second);
}

void Rules::applied(const Engine& engine, PeerId peer, const Entry& entry) {
  const Applied applied{
      .id = entry.id, .payload = mix(empty_digest, entry.payload.text()), .in_term = engine.term()};
  const std::size_t slot = entry.id.index.value - 1;
  if (slot < applied_.size()) {
    const Applied& first = applied_[slot];
    if (first.id != applied.id || first.payload != applied.payload)
      fail("peer " + std::to_string(peer.value) + " applies " + text(entry.id) + " where "
           + text(first.id) + " was applied");
    return;
  }
  if (slot > applied_.size())
    return fail("peer " + std::to_string(peer.value) + " leaves out what is before "
                + text(entry.id));
  applied_.push_back(applied);
  for (auto it = elections_.upper_bound(applied.in_term); it != elections_.end(); ++it)
    check(applied, it->first, it->second);
}

std::uint64_t Rules::digest() const {
  std::uint64_t digest = empty_digest;
  for (const auto& [term, election] : elections_)
    digest = mix(mix(mix(digest, term.value), election.leader.value), election.life);
  for (const Applied& applied : applied_)
    digest = mix(mix(mix(digest, applied.id.term.value), applied.payload), applied.in_term.value);
  return digest;
}

}  // namespace troupe::sim
