#include "actors/node/join.hpp"
#include "actors/node/join_steps.hpp"
#include "actors/runtime/address.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::actors {

namespace {

using Kind = Join::Outcome::Kind;

/// So long nodes may answer and have no cluster of our kind: an operator may be about to bootstrap
/// it.
constexpr Duration clusterless_max = std::chrono::seconds(60);

}  // namespace

/// Asks the nodes that we were told of for their peers.
Join::Outcome Join::find_cluster(Duration passed) {
  Found found;
  for (const std::string& address : settings_.at)
    look_at(address, found);
  if (!found.answered) {
    clusterless_since_.reset();
    return again(places() + (settings_.at.size() > 1 ? " are" : " is") + " not reachable");
  }
  return judge(found, passed);
}

void Join::look_at(const std::string& address, Found& found) {
  const auto response =
      request(address, {.id = 0, .peer = {}, .body = wire::AskPeers{}}, answer_timeout);
  const auto* names = std::get_if<std::vector<std::string>>(&response.body);
  if (names == nullptr)
    return;
  found.answered = true;
  for (const std::string& name : *names) {
    if (address == own_node_ && name == settings_.peer)
      continue;
    found.names.push_back(name);
    if (settings_.cluster.empty() || name == settings_.cluster)
      look_at(name, address, found);
  }
}

void Join::look_at(const std::string& name, const std::string& address, Found& found) {
  const auto status = status_of(name, address);
  if (!status)
    return look_at_stopped(name, address, found);
  if (status->kind != settings_.kind) {
    found.kinds.push_back(name + " is a " + status->kind);
    return;
  }
  found.of_our_kind = true;
  if (status->configuration.empty())
    return;
  const std::string full = name + "@" + address;
  if (found_ != ClusterId{} && status->cluster != found_) {
    found.stranger = full;
    return;
  }
  auto& members = found.clusters[status->cluster];
  if (members.empty())
    found.one_of_each.push_back(name);
  members.push_back(full);
  found.configuration = status->configuration;
}

/// Where all nodes start at the same time, each finds the others' peers held back.
void Join::look_at_stopped(const std::string& name, const std::string& address, Found& found) {
  if (found_ == ClusterId{})
    return;
  const auto identity = identity_of(name, address);
  if (!identity || identity->kind != settings_.kind)
    return;
  found.has_ours = found.has_ours || identity->cluster == found_;
  if (identity->cluster != ClusterId{} && identity->cluster != found_)
    found.stranger = name + "@" + address;
}

/// Exactly one cluster of our kind must be there, unless we were told which.
Join::Outcome Join::judge(const Found& found, Duration passed) {
  if (found.clusters.size() > 1)
    return failed("several clusters of " + settings_.kind + " at " + places()
                  + ": say --cluster with one of " + listed(found.one_of_each));
  if (found.clusters.size() == 1) {
    found_ = found.clusters.begin()->first;
    checked_ = true;
    clusterless_since_.reset();
    configuration_ = found.configuration;
    learn_members(found.configuration);
    for (const std::string& member : found.clusters.begin()->second)
      members_.push_back(member);
    return go_on();
  }
  if (found.has_ours) {
    checked_ = true;
    return go_on();
  }
  if (cluster_ != ClusterId{} && !found.stranger.empty())
    return failed(settings_.peer + " belongs to another cluster than " + found.stranger
                  + ": to join that one, start with an empty --data");
  if (!found.of_our_kind && !found.kinds.empty())
    return failed("no " + settings_.kind + " at " + places() + ": " + listed(found.kinds));
  if (!settings_.cluster.empty() && !found.names.empty()
      && std::ranges::find(found.names, settings_.cluster) == found.names.end())
    return failed("no peer " + settings_.cluster + " at " + places() + ", but "
                  + listed(found.names));
  return wait_for_cluster(
      found.names.empty() ? " has no peers yet" : " has no cluster of " + settings_.kind + " yet",
      passed);
}

/// A node that answers without a cluster may be about to have one, but not for ever.
Join::Outcome Join::wait_for_cluster(const std::string& lack, Duration passed) {
  const bool only_us = std::ranges::all_of(
      settings_.at, [&](const std::string& address) { return address == own_node_; });
  if (only_us && cluster_ != ClusterId{}) {
    checked_ = true;
    return go_on();
  }
  if (only_us)
    return failed("--join " + places() + " is this node itself: name a node of the cluster, or "
                  "bootstrap one with set_configuration");
  if (!clusterless_since_)
    clusterless_since_ = passed;
  if (was_ || passed - *clusterless_since_ < clusterless_max)
    return again(places() + lack);
  return failed(places() + lack + ": bootstrap one there with start_peer and set_configuration");
}

/// Any member that answers says which peer leads, and that peer who belongs to its cluster.
Join::Outcome Join::find_leader(std::optional<Leader>& leader) {
  for (const std::string& member : std::vector<std::string>(members_)) {
    leader = leader_known_to(member);
    if (!leader)
      continue;
    learn_members(leader->status.configuration);
    lost_ = false;
    return go_on();
  }
  lost_ = true;
  return again("nobody leads yet");
}

std::optional<Join::Leader> Join::leader_known_to(const std::string& member) {
  auto at = parse_full_name(member);
  auto status = at ? status_of(at->name, at->address) : std::nullopt;
  if (status && status->role != Role::leader && !status->leader.empty()) {
    at = parse_full_name(status->leader);
    status = at ? status_of(at->name, at->address) : std::nullopt;
  }
  if (!status || status->role != Role::leader || status->kind != settings_.kind)
    return std::nullopt;
  return Leader{.status = *std::move(status), .name = at->name, .address = at->address};
}

/// A voter or a learner may lead, or know which peer does. A member that moved is among them under
/// its new address.
void Join::learn_members(const Configuration& configuration) {
  members_.clear();
  for (const Member& member : configuration.members())
    if (member.id != id_ && configuration.keeps_log(member.id))
      members_.push_back(full_name(member));
  if (was_)
    members_.push_back(settings_.peer + "@" + own_node_);
}

std::string Join::places() const {
  return listed(settings_.at);
}

}  // namespace troupe::actors
