#include "actors/node/join.hpp"

#include "actors/node/join_steps.hpp"
#include "actors/peer/configuration_change.hpp"
#include "actors/peer/peer_options.hpp"
#include "actors/runtime/address.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::actors {

namespace {

using std::chrono::milliseconds;
using Kind = Join::Outcome::Kind;

/// How long we wait for a change before we look how far it is. It goes on all the same.
constexpr Duration change_timeout = milliseconds(500);

/// A member whose others do not answer goes on as it is after so long: they may be down, too.
constexpr Duration member_patience = std::chrono::seconds(1);

constexpr Duration pause_min = milliseconds(20);
constexpr Duration pause_max = std::chrono::seconds(1);

std::optional<Rank> rank_in(const Configuration& configuration, const std::string& name) {
  const std::string_view found = rank_of(configuration, name);
  for (const Rank rank : {Rank::voter, Rank::learner, Rank::standby})
    if (found == actors::name(rank))
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

}  // namespace

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

Join::Outcome failed(std::string text) {
  return {.kind = Kind::failed, .text = std::move(text), .pause = {}};
}

Join::Outcome go_on() {
  return {.kind = Kind::again, .text = {}, .pause = {}};
}

bool goes_on(const Join::Outcome& outcome) {
  return outcome.kind == Kind::again && outcome.text.empty();
}

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
  if (!valid_peer_name(settings.peer))
    return settings.peer + " is no name of a peer";
  return {};
}

Join::Join(JoinSettings settings, std::string own_node, AskNode ask)
    : settings_(std::move(settings)), own_node_(std::move(own_node)), ask_(std::move(ask)) {}

Join::Outcome Join::attempt(Duration passed) {
  if (id_ == nobody)
    if (Outcome outcome = start_peer(passed); !goes_on(outcome))
      return outcome;
  const bool patient = was_ && passed < member_patience;
  Outcome outcome = checked_ && !lost_ ? go_on() : find_cluster(passed);
  if (outcome.kind == Kind::failed && !checked_)
    return outcome;
  std::optional<Leader> leader;
  // Those who were members a moment ago may know better than a node that is gone. A member first
  // gives the nodes that it was told of the time to say that they belong to another cluster.
  if (goes_on(outcome) || (!members_.empty() && (checked_ || !patient)))
    outcome = find_leader(leader);
  if (leader)
    outcome = join(*leader);
  if (outcome.kind == Kind::again && was_ && !moved_ && !asked_ && !leader && !patient)
    return done(*was_);
  return outcome;
}

/// Has our node run the peer, and learns its identity. A peer that belongs to a cluster is held
/// back by its node until we have looked for a twin.
Join::Outcome Join::start_peer(Duration passed) {
  const auto before = identity_of(settings_.peer, own_node_);
  if (before && !before->running && before->cluster != ClusterId{} && passed < member_patience)
    if (Outcome outcome = check_before_start(*before, passed); !goes_on(outcome))
      return outcome;
  const auto started = request(own_node_,
                               {.id = 0,
                                .peer = settings_.peer,
                                .body = wire::StartPeer{.kind = settings_.kind, .options = {}}},
                               answer_timeout);
  if (started.refusal != Refusal::none && started.refusal != Refusal::already_started)
    return started.refusal == Refusal::busy || started.refusal == Refusal::timeout
               ? again("starting " + settings_.peer)
               : failed("cannot start " + settings_.peer + ": " + said(started));
  const auto identity = identity_of(settings_.peer, own_node_);
  const auto status = status_of(settings_.peer, own_node_);
  if (!identity || !status)
    return again("starting " + settings_.peer);
  if (identity->kind != settings_.kind)
    return failed(settings_.peer + " is a " + identity->kind + " here");
  id_ = identity->id;
  cluster_ = found_ = status->cluster;
  if (const Member* self = status->configuration.find(id_); self != nullptr) {
    was_ = rank_in(status->configuration, id_);
    moved_ = self->address != own_node_;
    learn_members(status->configuration);
  }
  return go_on();
}

/// Goes on as soon as nothing speaks against the peer; after a while also if nobody answered.
Join::Outcome Join::check_before_start(const wire::Identity& identity, Duration passed) {
  cluster_ = found_ = identity.cluster;
  Outcome outcome = find_cluster(passed);
  if (!goes_on(outcome))
    return outcome;
  const Member* self = configuration_.find(identity.id);
  if (self == nullptr)
    return go_on();
  if (auto refusal = refusal_of_copy(*self, identity))
    return *std::move(refusal);
  std::optional<Leader> leader;
  (void)find_leader(leader);
  self = leader ? leader->status.configuration.find(identity.id) : nullptr;
  if (self != nullptr)
    if (auto refusal = refusal_of_old_disk(*leader, *self, identity.term, identity.last))
      return *std::move(refusal);
  return go_on();
}

/// Our own node may answer at an address that it had before.
std::optional<Join::Outcome> Join::refusal_of_copy(const Member& self,
                                                   const wire::Identity& identity) {
  if (self.address == own_node_)
    return std::nullopt;
  const auto twin = identity_of(self.name, self.address);
  if (!twin || twin->id != identity.id || twin->node == identity.node)
    return std::nullopt;
  return failed(settings_.peer + " here is a copy of " + full_name(self)
                + ", whose node still has it: start with an empty --data");
}

Join::Outcome Join::join(const Leader& leader) {
  const std::string leads = leader.name + "@" + leader.address;
  if (cluster_ != ClusterId{} && leader.status.cluster != cluster_)
    return failed(settings_.peer + " belongs to another cluster than " + leads
                  + ": to join that one, start with an empty --data");
  const Configuration& configuration = leader.status.configuration;
  if (const Member* self = configuration.find(id_); self != nullptr)
    return join_as_member(leader, *self);
  const Member* named = configuration.find(settings_.peer);
  if (named == nullptr)
    return ask(leader, settings_.rank);
  if (named->address != own_node_)
    return failed("the name " + settings_.peer + " is taken by " + full_name(*named));
  settings_.rank = rank_in(configuration, named->name).value_or(settings_.rank);
  return ask(leader, settings_.rank);
}

Join::Outcome Join::join_as_member(const Leader& leader, const Member& self) {
  const Configuration& configuration = leader.status.configuration;
  const Rank rank = rank_in(configuration, id_).value_or(settings_.rank);
  if (leader.status.changing)
    return progress(leader);
  if (auto refusal = refusal_of_old_disk(leader, self))
    return *std::move(refusal);
  if (self.address != own_node_)
    return ask(leader, rank);
  // Its leader was lost half-way: we listen, and an earlier life of ours still has our vote.
  if (const Member* former = former_self(configuration, self)) {
    settings_.rank = rank_in(configuration, former->id).value_or(rank);
    return ask(leader, settings_.rank);
  }
  // A peer that was a member before we asked is what its cluster made of it.
  return asked_ && rank != settings_.rank ? ask(leader, settings_.rank) : done(rank);
}

/// A peer never has less than a leader heard it acknowledge, unless its disk is an older copy. A
/// leader of a later term may have cut what was never committed.
std::optional<Join::Outcome> Join::refusal_of_old_disk(const Leader& leader, const Member& self) {
  // In this order: by now it has all that it had acknowledged when the leader answered.
  const auto ours = status_of(settings_.peer, own_node_);
  return ours ? refusal_of_old_disk(leader, self, ours->term, ours->last.index) : std::nullopt;
}

std::optional<Join::Outcome> Join::refusal_of_old_disk(const Leader& leader, const Member& self,
                                                       Term term, Index last) const {
  const auto known =
      std::ranges::find(leader.status.followers, full_name(self), &wire::FollowerStatus::name);
  if (known == leader.status.followers.end() || term > leader.status.term)
    return std::nullopt;
  const Index acknowledged = std::max(known->match, known->acknowledged);
  if (last >= acknowledged)
    return std::nullopt;
  // At another address the member itself may come back.
  const bool at_home = self.address == own_node_;
  std::string advice = "; start with an empty --data";
  if (at_home)
    advice = settings_.rebuild ? "" : "; start with --rebuild, which sets it aside";
  Outcome outcome = failed(settings_.peer + " has entries up to " + std::to_string(last.value)
                           + " here, but acknowledged " + std::to_string(acknowledged.value)
                           + ": this is an older copy of its disk" + advice);
  outcome.old_disk = at_home;
  return outcome;
}

Join::Outcome Join::ask(const Leader& leader, Rank rank) {
  asked_ = true;
  const auto response =
      request(leader.address,
              {.id = 0,
               .peer = leader.name,
               .body = wire::SetConfiguration{.members = {settings_.peer + "@" + own_node_},
                                              .change = change_to(rank),
                                              .keep = {}}},
              change_timeout);
  return judge_answer(leader, response, rank);
}

Join::Outcome Join::judge_answer(const Leader& leader, const wire::Response& response, Rank rank) {
  const std::string leads = leader.name + "@" + leader.address;
  const Outcome another =
      failed("another node answers at " + own_node_ + ", which this node advertises");
  if (response.refusal == Refusal::none) {
    const auto* configuration = std::get_if<Configuration>(&response.body);
    return configuration == nullptr || configuration->has_member(id_) ? done(rank) : another;
  }
  if (response.refusal == Refusal::timeout && response.detail.empty())
    return progress(leader);
  if (response.refusal == Refusal::unreachable && response.detail == own_node_)
    return again(leads + " cannot reach us at " + own_node_);
  // The leader asked the node that it reached by our address.
  if (response.refusal == Refusal::no_peer && response.detail == settings_.peer + "@" + own_node_)
    if (const auto here = identity_of(settings_.peer, own_node_); here && here->running)
      return another;
  return passes(response.refusal) ? again(leads + " says " + said(response))
                                  : failed(leads + " says " + said(response));
}

Join::Outcome Join::done(Rank rank) const {
  return {.kind = Kind::done,
          .text = (asked_ ? "joined as " : "a member already: ") + std::string(name(rank)),
          .pause = {}};
}

/// How far our log is on its way to the leader's.
Join::Outcome Join::progress(const Leader& leader) {
  const auto ours = status_of(settings_.peer, own_node_);
  pause_ = {};
  return {.kind = Kind::again,
          .text = "caught up " + std::to_string(ours ? ours->last.index.value : 0) + " of "
                  + std::to_string(leader.status.last.index.value),
          .pause = pause_min};
}

Join::Outcome Join::again(std::string text) {
  pause_ = std::clamp(2 * pause_, pause_min, pause_max);
  return {.kind = Kind::again, .text = std::move(text), .pause = pause_};
}

wire::Response Join::request(const std::string& address, wire::Request request, Duration timeout) {
  return ask_(address, std::move(request), timeout);
}

std::optional<wire::PeerStatus> Join::status_of(const std::string& peer,
                                                const std::string& address) {
  auto response =
      request(address, {.id = 0, .peer = peer, .body = wire::AskStatus{}}, answer_timeout);
  auto* status = std::get_if<wire::PeerStatus>(&response.body);
  return status == nullptr ? std::nullopt : std::optional(std::move(*status));
}

std::optional<wire::Identity> Join::identity_of(const std::string& peer,
                                                const std::string& address) {
  auto response =
      request(address, {.id = 0, .peer = peer, .body = wire::AskIdentity{}}, answer_timeout);
  auto* identity = std::get_if<wire::Identity>(&response.body);
  return identity == nullptr ? std::nullopt : std::optional(std::move(*identity));
}

}  // namespace troupe::actors
