#include "actors/peer/newcomers.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace troupe::actors {
namespace {

std::array<const std::vector<Member>*, 3> ranks(const Configuration& configuration) {
  return {&configuration.voters, &configuration.learners, &configuration.standbys};
}

/// Whether `change` makes its members more than they were.
bool brings_in(wire::Change change) {
  return change != wire::Change::remove && change != wire::Change::demote
         && change != wire::Change::keep_voters;
}

/// A leader knows itself. It asks only whether an address that it is given is its own.
bool needs_asking(const Member& member, const Plan& plan) {
  if (!brings_in(plan.change) || std::ranges::find(plan.named, member.name) == plan.named.end())
    return false;
  if (member.id == nobody || member.id != plan.self)
    return true;
  const Member* before = plan.current.find(member.id);
  return member.address != plan.own_address
         && (before == nullptr || before->address != member.address);
}

/// One that does not vote yet has to answer, or the change would wait for it in vain.
bool has_to_catch_up(const Member& member, const Plan& plan) {
  const Member* before = plan.current.find(member.name);
  return std::ranges::find(plan.target.voters, member.name, &Member::name)
             != plan.target.voters.end()
         && (before == nullptr || !plan.current.has_voter(before->id));
}

const wire::Response* answer_of(const Member& member, const Identities& answers) {
  const auto found = answers.find(full_name(member));
  return found == answers.end() ? nullptr : &found->second;
}

const wire::Identity* identity_of(const Member& member, const Identities& answers) {
  const wire::Response* answer = answer_of(member, answers);
  return answer == nullptr ? nullptr : std::get_if<wire::Identity>(&answer->body);
}

Result<wire::Identity> who_is(const Member& member, const Plan& plan, const Identities& answers) {
  const wire::Response* answer = answer_of(member, answers);
  if (answer == nullptr)
    return {Refusal::unreachable, member.address};
  if (answer->refusal == Refusal::no_peer)
    return {Refusal::no_peer, full_name(member)};
  if (answer->refusal != Refusal::none)
    return {answer->refusal, answer->detail};
  const auto* identity = std::get_if<wire::Identity>(&answer->body);
  if (identity == nullptr || identity->id == nobody)
    return {Refusal::unreachable, member.address};
  if (identity->kind != plan.kind)
    return {Refusal::invalid, full_name(member) + " is a " + identity->kind};
  return *identity;
}

using Problem = std::optional<std::pair<Refusal, std::string>>;

Problem problem_if_stopped(const Member& member, const wire::Identity& identity) {
  if (identity.running)
    return std::nullopt;
  return {{Refusal::no_peer, full_name(member) + " is stopped"}};
}

/// The address of a newcomer must be nobody else's. Peers of one node share one, and all of them
/// are there.
Problem problem_with_address(const Member& member, const wire::Identity& identity, const Plan& plan,
                             const Identities& answers) {
  for (const auto* set : ranks(plan.target)) {
    for (const Member& other : *set) {
      if (other.name == member.name)
        continue;
      if (other.address == identity.address && identity.address != member.address)
        return {{Refusal::invalid, "the node at " + member.address + " advertises the address of "
                                       + full_name(other)}};
      if (other.address != member.address || !plan.current.has_member(other.id))
        continue;
      const wire::Identity* there = identity_of(other, answers);
      if (other.id != plan.self && (there == nullptr || there->id != other.id))
        return {{Refusal::invalid, member.address + " is the address of " + full_name(other)
                                       + ", which is not there: remove that member first"}};
    }
  }
  return std::nullopt;
}

Problem problem_with_newcomer(const Member& member, const wire::Identity& identity,
                              const Plan& plan, const Identities& answers) {
  if (Problem problem = problem_if_stopped(member, identity))
    return problem;
  if (identity.cluster != ClusterId{} && identity.cluster != plan.cluster)
    return {{Refusal::invalid, full_name(member) + " belongs to another cluster"}};
  return problem_with_address(member, identity, plan, answers);
}

/// A member that comes from another address may be a copy of one that lives on there, or of one
/// that went further since. In the term in which we lead it has lost nothing that it acknowledged.
Problem problem_with_move(const Member& member, const Member& before,
                          const wire::Identity& identity, const Plan& plan,
                          const Identities& answers) {
  if (before.id == plan.self) {
    if (identity.node == plan.own_node)
      return std::nullopt;
    return {{Refusal::invalid,
             full_name(member) + " is a copy of the leader, which is at " + plan.own_address}};
  }
  const wire::Identity* twin = identity_of(before, answers);
  if (twin != nullptr && twin->id == before.id && twin->node != identity.node)
    return {{Refusal::invalid, full_name(member) + " is a copy of " + full_name(before)
                                   + ", whose node still has it"}};
  if (Problem problem = problem_if_stopped(member, identity))
    return problem;
  const auto known = plan.acknowledged.find(before.id);
  if (known != plan.acknowledged.end() && identity.term <= plan.term
      && identity.last < known->second)
    return {{Refusal::invalid,
             full_name(member) + " has entries up to " + std::to_string(identity.last.value)
                 + ", but " + full_name(before) + " acknowledged "
                 + std::to_string(known->second.value) + ": it is an older copy"}};
  return std::nullopt;
}

}  // namespace

std::vector<Member*> members_to_ask(Plan& plan) {
  std::vector<Member*> asked;
  for (auto* set : {&plan.target.voters, &plan.target.learners, &plan.target.standbys})
    for (Member& member : *set)
      if (needs_asking(member, plan))
        asked.push_back(&member);
  return asked;
}

std::vector<FullName> questions(const Plan& plan) {
  std::vector<FullName> asked;
  const auto ask = [&](const std::string& name, const std::string& address) {
    FullName question{.name = name, .address = address};
    if (std::ranges::find(asked, question) == asked.end())
      asked.push_back(std::move(question));
  };
  for (const auto* set : ranks(plan.target)) {
    for (const Member& member : *set) {
      if (!needs_asking(member, plan))
        continue;
      ask(member.name, member.address);
      const Member* before = plan.current.find(member.name);
      if (before != nullptr && before->address != member.address && before->id != plan.self)
        ask(before->name, before->address);
      if (before == nullptr)
        for (const Member& other : plan.current.members())
          if (other.address == member.address && other.id != plan.self)
            ask(other.name, other.address);
    }
  }
  return asked;
}

Result<PeerId> confirmed_id(const Member& member, const Plan& plan, const Identities& answers) {
  const auto identity = who_is(member, plan, answers);
  const Member* before = plan.current.find(member.name);
  const bool stays = before != nullptr && before->address == member.address;
  if (!identity) {
    if (stays && identity.refusal() != Refusal::invalid && !has_to_catch_up(member, plan))
      return before->id;
    return {identity.refusal(), identity.detail()};
  }
  Problem problem;
  if (before != nullptr && identity->id == before->id) {
    if (!stays)
      problem = problem_with_move(member, *before, *identity, plan, answers);
    else if (has_to_catch_up(member, plan))
      problem = problem_if_stopped(member, *identity);
  } else if (before != nullptr && !stays && plan.change != wire::Change::replace) {
    return {Refusal::invalid, member.name + " is the name of " + full_name(*before)};
  } else {
    problem = problem_with_newcomer(member, *identity, plan, answers);
  }
  if (problem)
    return {problem->first, std::move(problem->second)};
  return identity->id;
}

std::vector<std::string> shared_addresses(const Configuration& configuration) {
  std::set<std::string> seen;
  std::set<std::string> shared;
  for (const Member& voter : configuration.voters)
    if (!seen.insert(voter.address).second)
      shared.insert(voter.address);
  return {shared.begin(), shared.end()};
}

}  // namespace troupe::actors
