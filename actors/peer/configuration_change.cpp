#include "actors/peer/configuration_change.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::actors {
namespace {

using Set = std::vector<Member>;

/// From the highest rank to the lowest: `promote` and `demote` go one step.
std::array<Set*, 3> ranks(Configuration& configuration) {
  return {&configuration.voters, &configuration.learners, &configuration.standbys};
}

constexpr std::size_t no_rank = 3;

std::size_t rank_in(Configuration& configuration, const std::string& name) {
  const auto all = ranks(configuration);
  for (std::size_t rank = 0; rank < all.size(); ++rank)
    if (std::ranges::find(*all[rank], name, &Member::name) != all[rank]->end())
      return rank;
  return no_rank;
}

Member taken(Configuration& configuration, const std::string& name) {
  Set& set = *ranks(configuration)[rank_in(configuration, name)];
  const auto it = std::ranges::find(set, name, &Member::name);
  Member member = std::move(*it);
  set.erase(it);
  return member;
}

/// Takes all of this name away and answers the first: a peer that was to take the place of an
/// earlier one of its name, and is not done, stands there beside it.
Member all_taken(Configuration& configuration, const std::string& name) {
  Member first = taken(configuration, name);
  while (rank_in(configuration, name) != no_rank)
    (void)taken(configuration, name);
  return first;
}

/// Puts `named` into the set of `rank`. False if it has a higher one: only `demote` takes votes.
bool add(Configuration& to, const NamedMember& named, std::size_t rank) {
  const std::size_t before = rank_in(to, named.name);
  if (before < rank)
    return false;
  Member member{.id = nobody, .name = named.name, .address = named.address};
  if (before != no_rank)
    member.id = all_taken(to, named.name).id;
  ranks(to)[rank]->push_back(std::move(member));
  return true;
}

bool step(Configuration& to, const std::string& name, int steps) {
  const std::size_t before = rank_in(to, name);
  const std::size_t after = before + static_cast<std::size_t>(steps);  // Past the end below 0, too.
  if (before == no_rank || after >= no_rank)
    return false;
  Member member = taken(to, name);
  ranks(to)[after]->push_back(std::move(member));
  return true;
}

/// Why it can't be done to `named`, or `none`.
Refusal apply(wire::Change change, const NamedMember& named, Configuration& to) {
  const auto unless = [](bool ok, Refusal refusal) { return ok ? Refusal::none : refusal; };
  switch (change) {
    case wire::Change::replace:
    case wire::Change::add_voter:
      return unless(add(to, named, 0), Refusal::invalid);
    case wire::Change::add_learner:
      return unless(add(to, named, 1), Refusal::invalid);
    case wire::Change::add_standby:
      return unless(add(to, named, 2), Refusal::invalid);
    case wire::Change::remove:
      if (rank_in(to, named.name) == no_rank)
        return Refusal::not_found;
      (void)all_taken(to, named.name);
      return Refusal::none;
    case wire::Change::promote:
      return unless(step(to, named.name, -1), Refusal::not_found);
    case wire::Change::demote:
      return unless(step(to, named.name, 1), Refusal::not_found);
    case wire::Change::keep_voters:
      return Refusal::invalid;
  }
  return Refusal::invalid;
}

/// They alone are members; who they are is known of those who were before.
Configuration replaced(const Configuration& current, const std::vector<NamedMember>& members) {
  Configuration target;
  target.keep = current.keep;
  for (const NamedMember& named : members) {
    const Member* before = current.find(named.name);
    target.voters.push_back({.id = before == nullptr ? nobody : before->id,
                             .name = named.name,
                             .address = named.address});
  }
  return target;
}

}  // namespace

Result<Configuration> changed(const Configuration& current, const wire::SetConfiguration& wanted,
                              const std::vector<NamedMember>& members) {
  if (wanted.change == wire::Change::replace)
    return replaced(current, members);
  Configuration target = current;
  if (wanted.change == wire::Change::keep_voters)
    target.keep = wanted.keep;
  for (const NamedMember& named : members)
    if (const Refusal refusal = apply(wanted.change, named, target); refusal != Refusal::none)
      return {refusal, refusal == Refusal::invalid
                           ? named.name + " is a " + std::string(rank_of(current, named.name))
                                 + "; demote it"
                           : named.name};
  if (target.voters.empty())
    return {Refusal::invalid, "nobody would vote"};
  return target;
}

std::string_view rank_of(const Configuration& configuration, const std::string& name) {
  const auto holds = [&](const Set& set) {
    return std::ranges::find(set, name, &Member::name) != set.end();
  };
  if (holds(configuration.voters) || holds(configuration.old_voters))
    return "voter";
  if (holds(configuration.learners))
    return "learner";
  return holds(configuration.standbys) ? "standby" : "";
}

}  // namespace troupe::actors
