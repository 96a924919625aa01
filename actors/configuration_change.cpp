#include "actors/configuration_change.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {
namespace {

using Set = std::vector<Member>;

/// `named` with its id, if name and address tell it.
Member identified(const Configuration& configuration, const NamedMember& named) {
  const Member* member = configuration.find(named.name);
  const bool known = member != nullptr && member->address == named.address;
  return {.id = known ? member->id : nobody, .name = named.name, .address = named.address};
}

bool erase(Set& set, const std::string& name) {
  return std::erase_if(set, [&](const Member& member) { return member.name == name; }) > 0;
}

bool move(Set& from, Set& to, const std::string& name) {
  const auto it = std::ranges::find(from, name, &Member::name);
  if (it == from.end())
    return false;
  to.push_back(std::move(*it));
  from.erase(it);
  return true;
}

/// False if there is no such member to do it to.
bool apply(wire::Change change, const NamedMember& named, const Configuration& before,
           Configuration& to) {
  switch (change) {
    case wire::Change::replace:
    case wire::Change::add_voter:
      erase(to.voters, named.name);
      erase(to.learners, named.name);
      to.voters.push_back(identified(before, named));
      return true;
    case wire::Change::add_learner:
      if (std::ranges::find(before.voters, named.name, &Member::name) != before.voters.end())
        return false;  // A voter listens already; `demote` makes it a learner.
      erase(to.learners, named.name);
      to.learners.push_back(identified(before, named));
      return true;
    case wire::Change::remove:
      return erase(to.voters, named.name) || erase(to.learners, named.name);
    case wire::Change::promote:
      return move(to.learners, to.voters, named.name);
    case wire::Change::demote:
      return move(to.voters, to.learners, named.name);
  }
  return false;
}

}  // namespace

Result<Configuration> changed(Configuration current, wire::Change change,
                              const std::vector<NamedMember>& members) {
  Configuration target = change == wire::Change::replace ? Configuration{} : current;
  for (const NamedMember& named : members)
    if (!apply(change, named, current, target))
      return {Refusal::not_found, named.name};
  if (target.voters.empty())
    return {Refusal::invalid, "nobody would vote"};
  return target;
}

std::vector<Member*> unknown_members(Configuration& configuration) {
  std::vector<Member*> unknown;
  for (auto* set : {&configuration.voters, &configuration.learners})
    for (Member& member : *set)
      if (member.id == nobody)
        unknown.push_back(&member);
  return unknown;
}

}  // namespace troupe::actors
