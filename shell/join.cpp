#include "shell/join.hpp"

#include "actors/address.hpp"
#include "actors/configuration_change.hpp"
#include "actors/peer_options.hpp"
#include "shell/command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <utility>

namespace troupe::shell {

namespace {

using std::chrono::milliseconds;
using Kind = Join::Outcome::Kind;

/// How long a node may take to say what it knows.
constexpr Duration answer_timeout = milliseconds(500);

/// How long we wait for a change before we look how far it is. It goes on all the same.
constexpr Duration change_timeout = milliseconds(500);

/// A member that finds no leader goes on as it is after so long: the others may be down, too.
constexpr Duration member_patience = std::chrono::seconds(1);

constexpr Duration pause_min = milliseconds(20);
constexpr Duration pause_max = std::chrono::seconds(1);

std::optional<Rank> rank_in(const Configuration& configuration, const std::string& name) {
  const std::string_view found = actors::rank_of(configuration, name);
  for (const Rank rank : {Rank::voter, Rank::learner, Rank::standby})
    if (found == shell::name(rank))
      return rank;
  return std::nullopt;
}

/// Of the member with this id, whatever else has its name.
std::optional<Rank> rank_in(const Configuration& configuration, PeerId id) {
  if (configuration.has_voter(id))
    return Rank::voter;
  if (configuration.keeps_log(id))
    return Rank::learner;
  return configuration.has_member(id) ? std::optional(Rank::standby) : std::nullopt;
}

/// Another of our name that we were to take the place of: an earlier life of ours, most likely.
const Member* former_self(const Configuration& configuration, const Member& self) {
  for (const auto* set : {&configuration.voters, &configuration.learners, &configuration.standbys})
    for (const Member& member : *set)
      if (member.name == self.name && member.id != self.id)
        return &member;
  return nullptr;
}

wire::Change change_to(Rank rank) {
  switch (rank) {
    case Rank::voter:
      return wire::Change::add_voter;
    case Rank::learner:
      return wire::Change::add_learner;
    case Rank::standby:
      return wire::Change::add_standby;
  }
  return wire::Change::add_voter;
}

/// Whether the same request may well succeed a moment later.
bool passes(Refusal refusal) {
  switch (refusal) {
    case Refusal::redirect:
    case Refusal::election_in_progress:
    case Refusal::configuration_in_progress:
    case Refusal::busy:
    case Refusal::unknown_outcome:
    case Refusal::timeout:
    case Refusal::no_peer:
    case Refusal::unreachable:
    case Refusal::stopping:
    case Refusal::no_space:
      return true;
    default:
      return false;
  }
}

std::string said(const wire::Response& response) {
  const std::string word(troupe::name(response.refusal));
  return response.detail.empty() ? word : word + " " + response.detail;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

Join::Outcome failed(std::string text) {
  return {.kind = Kind::failed, .text = std::move(text), .pause = {}};
}

/// Nothing is decided, and there is nothing to wait for.
Join::Outcome go_on() {
  return {.kind = Kind::again, .text = {}, .pause = {}};
}

bool goes_on(const Join::Outcome& outcome) {
  return outcome.kind == Kind::again && outcome.text.empty();
}

}  // namespace

std::string_view name(Rank rank) {
  switch (rank) {
    case Rank::voter:
      return "voter";
    case Rank::learner:
      return "learner";
    case Rank::standby:
      return "standby";
  }
  return "unknown";
}

std::string problem(const JoinSettings& settings) {
  if (!settings.wanted())
    return settings.peer.empty() && settings.cluster.empty() && settings.rank == Rank::voter
                   && !settings.rebuild
               ? std::string()
               : "--peer, --cluster, --learner, --standby and --rebuild belong to --join";
  if (settings.peer.empty())
    return "--join needs --peer KIND NAME";
  if (!actors::valid_peer_name(settings.peer))
    return settings.peer + " is no name of a peer";
  return {};
}

Join::Join(JoinSettings settings, std::string own_node, Nodes nodes)
    : settings_(std::move(settings)), own_node_(std::move(own_node)), nodes_(std::move(nodes)) {}

Join::Outcome Join::attempt(Duration passed) {
  if (id_ == nobody)
    if (Outcome outcome = start_peer(); !goes_on(outcome))
      return outcome;
  std::optional<wire::PeerStatus> leader;
  Outcome outcome = members_.empty() || lost_ ? find_cluster() : go_on();
  if (outcome.kind == Kind::failed && members_.empty())
    return outcome;
  // Those who were members a moment ago may know better than a node that is gone.
  if (goes_on(outcome) || !members_.empty())
    outcome = find_leader(leader);
  if (leader)
    outcome = join(*leader);
  if (outcome.kind == Kind::again && was_ && !asked_ && !leader && passed >= member_patience)
    return done(*was_);
  return outcome;
}

/// Has our node run the peer, and learns who it is.
Join::Outcome Join::start_peer() {
  const auto started = request(own_node_,
                               {.id = 0,
                                .peer = settings_.peer,
                                .body = wire::StartPeer{.kind = settings_.kind, .options = {}}},
                               answer_timeout);
  if (started.refusal != Refusal::none && started.refusal != Refusal::already_started)
    return started.refusal == Refusal::busy || started.refusal == Refusal::timeout
               ? again("starting " + settings_.peer)
               : failed("cannot start " + settings_.peer + ": " + said(started));
  const auto asked = request(
      own_node_, {.id = 0, .peer = settings_.peer, .body = wire::AskIdentity{}}, answer_timeout);
  const auto* identity = std::get_if<wire::Identity>(&asked.body);
  const auto status = status_of(settings_.peer, own_node_);
  if (identity == nullptr || !status)
    return again("starting " + settings_.peer);
  if (identity->kind != settings_.kind)
    return failed(settings_.peer + " is a " + identity->kind + " here");
  id_ = identity->id;
  cluster_ = found_ = status->cluster;
  if (const Member* self = status->configuration.find(id_); self != nullptr) {
    was_ = rank_in(status->configuration, id_);
    learn_members(status->configuration);
  }
  return go_on();
}

/// Asks the node that we were told of who its peers are.
Join::Outcome Join::find_cluster() {
  const auto response =
      request(settings_.at, {.id = 0, .peer = {}, .body = wire::AskPeers{}}, answer_timeout);
  const auto* names = std::get_if<std::vector<std::string>>(&response.body);
  if (names == nullptr)
    return again(settings_.at + " is not reachable");
  std::vector<std::string> others;
  for (const std::string& name : *names)
    if (settings_.at != own_node_ || name != settings_.peer)
      others.push_back(name);
  if (others.empty())
    return again(settings_.at + " has no peers yet");
  return judge_peers(others);
}

/// Exactly one cluster of our kind must be there, unless we were told which.
Join::Outcome Join::judge_peers(const std::vector<std::string>& names) {
  std::map<ClusterId, std::vector<std::string>> clusters;
  Configuration configuration;  // Of one of them.
  std::vector<std::string> kinds;
  bool of_our_kind = false;
  bool of_another_cluster = false;
  for (const std::string& name : names) {
    if (!settings_.cluster.empty() && name != settings_.cluster)
      continue;
    const auto status = status_of(name, settings_.at);
    if (!status)
      continue;
    if (status->kind != settings_.kind) {
      kinds.push_back(name + " is a " + status->kind);
      continue;
    }
    of_our_kind = true;
    if (status->configuration.empty())
      continue;
    if (found_ != ClusterId{} && status->cluster != found_) {
      of_another_cluster = true;
      continue;
    }
    clusters[status->cluster].push_back(name);
    configuration = status->configuration;
  }
  if (clusters.size() > 1) {
    std::vector<std::string> one_of_each;
    one_of_each.reserve(clusters.size());
    for (const auto& [id, members] : clusters)
      one_of_each.push_back(members.front());
    return failed("several clusters of " + settings_.kind + " at " + settings_.at
                  + ": say --cluster with one of " + listed(one_of_each));
  }
  if (clusters.size() == 1) {
    found_ = clusters.begin()->first;
    learn_members(configuration);
    for (const std::string& name : clusters.begin()->second)
      members_.push_back(name + "@" + settings_.at);
    return go_on();
  }
  if (cluster_ != ClusterId{} && of_another_cluster)
    return failed(settings_.peer + " belongs to another cluster here");
  if (!of_our_kind && !kinds.empty())
    return failed("no " + settings_.kind + " at " + settings_.at + ": " + listed(kinds));
  if (!settings_.cluster.empty() && std::ranges::find(names, settings_.cluster) == names.end())
    return failed("no peer " + settings_.cluster + " at " + settings_.at + ", but "
                  + listed(names));
  return again(settings_.at + " has no cluster of " + settings_.kind + " yet");
}

/// Whoever answers says who leads, and that peer who belongs to its cluster.
Join::Outcome Join::find_leader(std::optional<wire::PeerStatus>& leader) {
  for (const std::string& member : std::vector<std::string>(members_)) {
    const auto at = actors::parse_full_name(member);
    auto status = at ? status_of(at->name, at->address) : std::nullopt;
    if (status && status->role != Role::leader && !status->leader.empty()) {
      const auto leads = actors::parse_full_name(status->leader);
      status = leads ? status_of(leads->name, leads->address) : std::nullopt;
    }
    if (!status || status->role != Role::leader || status->kind != settings_.kind)
      continue;
    learn_members(status->configuration);
    leader = std::move(status);
    lost_ = false;
    return go_on();
  }
  lost_ = true;
  return again("nobody leads yet");
}

Join::Outcome Join::join(const wire::PeerStatus& leader) {
  if (cluster_ != ClusterId{} && leader.cluster != cluster_)
    return failed(settings_.peer + " belongs to another cluster here");
  const Configuration& configuration = leader.configuration;
  if (const Member* self = configuration.find(id_); self != nullptr) {
    const Rank rank = rank_in(configuration, id_).value_or(settings_.rank);
    if (leader.changing)
      return progress(leader);
    if (self->address != own_node_)
      return ask(leader, rank);
    // Its leader was lost half-way: we listen, and who can't vote any more still has our vote.
    if (const Member* former = former_self(configuration, *self)) {
      settings_.rank = rank_in(configuration, former->id).value_or(rank);
      return ask(leader, settings_.rank);
    }
    // Who was a member before we asked is what its cluster made of it.
    return asked_ && rank != settings_.rank ? ask(leader, settings_.rank) : done(rank);
  }
  const Member* named = configuration.find(settings_.peer);
  if (named == nullptr)
    return ask(leader, settings_.rank);
  if (named->address != own_node_)
    return failed("the name " + settings_.peer + " is taken by " + full_name(*named));
  settings_.rank = rank_in(configuration, named->name).value_or(settings_.rank);
  return ask(leader, settings_.rank);
}

Join::Outcome Join::ask(const wire::PeerStatus& leader, Rank rank) {
  const auto at = actors::parse_full_name(leader.name);
  if (!at)
    return again("nobody leads yet");
  asked_ = true;
  const auto response =
      request(at->address,
              {.id = 0,
               .peer = at->name,
               .body = wire::SetConfiguration{.members = {settings_.peer + "@" + own_node_},
                                              .change = change_to(rank),
                                              .keep = {}}},
              change_timeout);
  if (response.refusal == Refusal::none)
    return done(rank);
  if (response.refusal == Refusal::timeout && response.detail.empty())
    return progress(leader);
  if (response.refusal == Refusal::unreachable && response.detail == own_node_)
    return again(leader.name + " cannot reach us at " + own_node_);
  return passes(response.refusal) ? again(leader.name + " says " + said(response))
                                  : failed(leader.name + " says " + said(response));
}

Join::Outcome Join::done(Rank rank) const {
  return {.kind = Kind::done,
          .text = (asked_ ? "joined as " : "a member already: ") + std::string(name(rank)),
          .pause = {}};
}

/// How far our log is on its way to the leader's.
Join::Outcome Join::progress(const wire::PeerStatus& leader) {
  const auto ours = status_of(settings_.peer, own_node_);
  pause_ = {};
  return {.kind = Kind::again,
          .text = "caught up " + std::to_string(ours ? ours->last.index.value : 0) + " of "
                  + std::to_string(leader.last.index.value),
          .pause = pause_min};
}

Join::Outcome Join::again(std::string text) {
  pause_ = std::clamp(2 * pause_, pause_min, pause_max);
  return {.kind = Kind::again, .text = std::move(text), .pause = pause_};
}

wire::Response Join::request(const std::string& address, wire::Request request, Duration timeout) {
  return nodes_.request(address, std::move(request), timeout);
}

std::optional<wire::PeerStatus> Join::status_of(const std::string& peer,
                                                const std::string& address) {
  auto response =
      request(address, {.id = 0, .peer = peer, .body = wire::AskStatus{}}, answer_timeout);
  auto* status = std::get_if<wire::PeerStatus>(&response.body);
  return status == nullptr ? std::nullopt : std::optional(std::move(*status));
}

/// Who votes or listens may lead, or knows who does.
void Join::learn_members(const Configuration& configuration) {
  members_.clear();
  for (const Member& member : configuration.members())
    if ((was_ || member.id != id_) && configuration.keeps_log(member.id))
      members_.push_back(full_name(member));
}

}  // namespace troupe::shell
