#pragma once

#include "actors/runtime/address.hpp"
#include "core/configuration.hpp"
#include "core/refusal.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::actors {

/// A change of configuration, and the facts by which a leader judges the members that it brings in.
struct Plan {
  Configuration current{};  ///< In force; empty where a cluster is bootstrapped.
  Configuration target{};   ///< Newcomers have the id `nobody` until their nodes have answered.
  wire::Change change = wire::Change::replace;
  std::vector<std::string> named{};  ///< The names of the members that the change is about.
  // Of the peer that proposes it.
  PeerId self{};  ///< `nobody` where a cluster is bootstrapped: we ask our own node as any other.
  std::string own_address{};
  std::uint64_t own_node{};  ///< As in `wire::Identity`.
  std::string kind{};
  ClusterId cluster{};  ///< 0 where a cluster is bootstrapped.
  Term term{};
  std::map<PeerId, Index> acknowledged{};  ///< By each follower in `term`, before it was asked.
};

/// The answers to `wire::AskIdentity`, by full name: "p1@127.0.0.1:4001".
using Identities = std::map<std::string, wire::Response>;

/// Which peers to ask before the change is proposed: each member that it brings in, at its address;
/// one that moves at its old address, too, where a twin may live on; and the other members at the
/// address of a newcomer. In a fixed order, each once.
std::vector<FullName> questions(const Plan& plan);

/// The members whose ids the answers tell: those that the change brings in, in a fixed order. It
/// leaves out `plan.self`, unless that is to have another address.
std::vector<Member*> members_to_ask(Plan& plan);

/// The id of `member` of the target, or why the change cannot be made with it:
/// - `no_peer`: its node has no such peer, or has stopped it;
/// - `unreachable`: nobody answers at its address, and it is new or has to catch up;
/// - `invalid`: it belongs to another cluster, is of another kind, is a copy of a member that lives
///   or had more entries, or its name or address is another member's.
///
/// A known member that does not answer keeps its id, unless it has to catch up before it votes. One
/// that answers at its old address with another id has lost its disk and takes its own place.
Result<PeerId> confirmed_id(const Member& member, const Plan& plan, const Identities& answers);

/// The addresses at which several members of `configuration` vote: one node that fails takes all of
/// their votes with it. Sorted.
std::vector<std::string> shared_addresses(const Configuration& configuration);

}  // namespace troupe::actors
