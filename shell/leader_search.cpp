#include "shell/leader_search.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <set>
#include <utility>

namespace troupe::shell {

namespace {

/// How long one peer may take to answer: above what a busy machine needs, and short enough that
/// others can still be asked.
constexpr Duration probe_timeout = std::chrono::milliseconds(700);

/// A node that answers for a stopped peer asks others first, for up to 800 ms.
constexpr Duration leader_timeout = std::chrono::milliseconds(1000);

/// Questions in one round.
constexpr std::size_t probes_max = 4096;

std::string text_of(const PeerName& peer) {
  return peer.name + '@' + peer.address;
}

std::string joined(const std::set<std::string>& words) {
  std::string line;
  for (const std::string& word : words)
    line += (line.empty() ? "" : " ") + word;
  return line;
}

bool holds(const Configuration& configuration, const PeerName& peer) {
  const Member* member = configuration.find(peer.name);
  return member != nullptr && member->address == peer.address;
}

}  // namespace

std::optional<PeerName> full_peer(std::string_view text) {
  std::optional<PeerName> peer = parse_peer(text);
  return peer && !peer->address.empty() ? peer : std::nullopt;
}

class LeaderSearch::Round {
public:
  Round(const LeaderSearch& search, Route& route, Time deadline, bool any_member)
      : nodes_(search.nodes_),
        addresses_(search.addresses_),
        route_(route),
        deadline_(deadline),
        any_member_(any_member) {}

  Found look();
  std::optional<Failure> locate();

private:
  struct Hosted {
    PeerName peer{};
    wire::PeerStatus status{};
  };

  void ask_queue();
  void ask(const PeerName& peer);
  void ask_node_of_stopped(const PeerName& peer);
  void on_status(const PeerName& peer, const wire::PeerStatus& status);
  void on_refused(const PeerName& peer, const wire::Response& response);
  std::vector<Hosted> all_hosted();
  void choose_peer(const std::vector<Hosted>& hosted);
  void ask_others();
  void ask_first(std::string_view full_name);
  bool is_asked(const PeerName& peer) { return !asked_.insert(text_of(peer)).second; }
  bool may_go_on() const {
    return asked_.size() < probes_max && nodes_.now() < deadline_ && nodes_.pause(Duration::zero());
  }
  wire::Response request(const std::string& address, wire::Request request, Duration timeout);
  Found outcome();
  Reply failure() const;

  const Nodes& nodes_;
  const std::vector<std::string>& addresses_;
  Route& route_;
  Time deadline_;
  bool any_member_;
  std::deque<PeerName> queue_{};
  std::set<std::string> asked_{};        ///< Full names.
  std::set<std::string> unreachable_{};  ///< Addresses that did not answer.
  std::set<std::string> namesakes_{};    ///< Full names of several peers that may be meant.
  std::optional<PeerName> leader_{};
  std::optional<wire::PeerStatus> found_{};  ///< Of the leader, or of a member.
  std::optional<wire::PeerStatus> alone_{};  ///< Of the peer itself, without a cluster.
  Refusal refusal_ = Refusal::none;          ///< Of a node that does not serve for a while.
};

Found LeaderSearch::Round::look() {
  queue_.push_back(route_.peer);
  queue_.insert(queue_.end(), route_.members.begin(), route_.members.end());
  ask_queue();
  if (!found_) {
    ask_others();
    ask_queue();
  }
  return outcome();
}

std::optional<Failure> LeaderSearch::Round::locate() {
  choose_peer(all_hosted());
  if (namesakes_.empty())
    return std::nullopt;
  return Failure{"ambiguous", joined(namesakes_)};
}

void LeaderSearch::Round::ask_queue() {
  while (!leader_ && !queue_.empty() && may_go_on()) {
    const PeerName peer = queue_.front();
    queue_.pop_front();
    if (!is_asked(peer) && !unreachable_.contains(peer.address))
      ask(peer);
  }
}

void LeaderSearch::Round::ask(const PeerName& peer) {
  const wire::Response response =
      request(peer.address, {.id = 0, .peer = peer.name, .body = wire::AskStatus{}}, probe_timeout);
  if (const auto* status = std::get_if<wire::PeerStatus>(&response.body))
    return on_status(peer, *status);
  if (response.refusal == Refusal::no_peer && peer == route_.peer)
    return ask_node_of_stopped(peer);
  on_refused(peer, response);
}

/// The node of a stopped peer does not answer for its status, but says who leads.
void LeaderSearch::Round::ask_node_of_stopped(const PeerName& peer) {
  on_refused(peer, request(peer.address, {.id = 0, .peer = peer.name, .body = wire::AskLeader{}},
                           leader_timeout));
}

void LeaderSearch::Round::on_status(const PeerName& peer, const wire::PeerStatus& status) {
  if (peer == route_.peer)
    route_.located = true;
  if (status.configuration.empty()) {
    if (peer == route_.peer)
      alone_ = status;
    return;
  }
  // A peer of another cluster may have taken over a name and an address.
  if (found_ && found_->cluster != status.cluster)
    return;
  const bool leads =
      status.role == Role::leader || (any_member_ && peer == route_.peer && !status.leader.empty());
  if (leads)
    leader_ = peer;
  if (leads || !found_ || found_->configuration_index < status.configuration_index) {
    found_ = status;
    route_.members.clear();
    for (const Member& member : status.configuration.members())
      route_.members.push_back({member.name, member.address});
  }
  queue_.insert(queue_.end(), route_.members.begin(), route_.members.end());
  ask_first(status.leader);
}

void LeaderSearch::Round::on_refused(const PeerName& peer, const wire::Response& response) {
  switch (response.refusal) {
    case Refusal::redirect:
      // A stopped peer of another cluster leads nowhere.
      if (peer != route_.peer)
        return;
      route_.located = true;
      return ask_first(response.detail);
    case Refusal::unreachable:
    case Refusal::timeout:
      unreachable_.insert(peer.address);
      return;
    case Refusal::no_peer:
      return;
    default:
      refusal_ = response.refusal;
  }
}

void LeaderSearch::Round::ask_first(std::string_view full_name) {
  if (std::optional<PeerName> peer = full_peer(full_name))
    queue_.push_front(*std::move(peer));
}

/// All peers that run on the nodes that the shell was given.
std::vector<LeaderSearch::Round::Hosted> LeaderSearch::Round::all_hosted() {
  std::vector<Hosted> all;
  for (const std::string& address : addresses_) {
    if (unreachable_.contains(address) || !may_go_on())
      continue;
    const wire::Response peers =
        request(address, {.id = 0, .peer = {}, .body = wire::AskPeers{}}, probe_timeout);
    const auto* names = std::get_if<std::vector<std::string>>(&peers.body);
    if (names == nullptr) {
      on_refused({.name = {}, .address = address}, peers);
      continue;
    }
    for (const std::string& name : *names) {
      const PeerName peer{name, address};
      if (!may_go_on() || unreachable_.contains(address))
        break;
      (void)is_asked(peer);
      const wire::Response response =
          request(address, {.id = 0, .peer = name, .body = wire::AskStatus{}}, probe_timeout);
      if (const auto* status = std::get_if<wire::PeerStatus>(&response.body))
        all.push_back({peer, *status});
      else
        on_refused(peer, response);
    }
  }
  return all;
}

/// The peer that is meant by a name alone: that of the first node, or the only one of that name.
void LeaderSearch::Round::choose_peer(const std::vector<Hosted>& hosted) {
  if (route_.located)
    return;
  std::set<std::string> known;
  for (const Hosted& each : hosted) {
    const Member* member = each.status.configuration.find(route_.peer.name);
    if (member != nullptr)
      known.insert(full_name(*member));
    else if (each.peer.name == route_.peer.name)
      known.insert(text_of(each.peer));
  }
  if (known.contains(text_of(route_.peer))) {
    route_.located = true;
  } else if (known.size() == 1) {
    route_.peer = full_peer(*known.begin()).value_or(route_.peer);
    route_.located = true;
  } else {
    namesakes_ = std::move(known);
  }
}

/// Asks the peers of all nodes which of them are in a cluster with the one that is meant.
void LeaderSearch::Round::ask_others() {
  const std::vector<Hosted> hosted = all_hosted();
  choose_peer(hosted);
  if (!route_.located)
    return;
  for (const Hosted& each : hosted)
    if (each.peer == route_.peer || holds(each.status.configuration, route_.peer))
      on_status(each.peer, each.status);
}

wire::Response LeaderSearch::Round::request(const std::string& address, wire::Request request,
                                            Duration timeout) {
  return nodes_.request(address, std::move(request),
                        std::clamp(Duration(deadline_ - nodes_.now()), Duration::zero(), timeout));
}

Found LeaderSearch::Round::outcome() {
  if (leader_) {
    route_.target = leader_;
    return {Found::What::leader, *found_, {}};
  }
  if (found_)
    return {Found::What::member, *found_, Failure{"election_in_progress", {}}};
  if (alone_)
    return {Found::What::no_cluster, *alone_, Redirect{}};
  const bool hopeless =
      !namesakes_.empty() || (unreachable_.empty() && refusal_ == Refusal::none && queue_.empty());
  return {hopeless ? Found::What::no_peer : Found::What::nobody, {}, failure()};
}

Reply LeaderSearch::Round::failure() const {
  if (!namesakes_.empty())
    return Failure{"ambiguous", joined(namesakes_)};
  if (!unreachable_.empty())
    return refused(Refusal::unreachable, joined(unreachable_), {});
  if (refusal_ != Refusal::none)
    return refused(refusal_, {}, {});
  if (!queue_.empty())  // The time was over before all were asked.
    return refused(Refusal::unreachable, queue_.front().address, {});
  return refused(Refusal::no_peer, route_.peer.name, {});
}

LeaderSearch::LeaderSearch(const Nodes& nodes, std::vector<std::string> addresses)
    : nodes_(nodes), addresses_(std::move(addresses)) {
  TROUPE_ASSERT(!addresses_.empty());
}

Found LeaderSearch::look(Route& route, Time deadline, bool any_member) const {
  route.target.reset();
  return Round(*this, route, deadline, any_member).look();
}

std::optional<Failure> LeaderSearch::locate(Route& route, Time deadline) const {
  return Round(*this, route, deadline, false).locate();
}

}  // namespace troupe::shell
