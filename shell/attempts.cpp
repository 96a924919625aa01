#include "shell/attempts.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <variant>

namespace troupe::shell {

namespace {

using std::chrono::milliseconds;

/// Between one round of attempts and the next: doubles up to the maximum.
constexpr Duration pause_min = milliseconds(10);
constexpr Duration pause_max = milliseconds(100);

/// How long one query may wait for its answer, so that there is time to ask another member.
constexpr Duration query_patience = milliseconds(1000);

/// Two peers that take each other for the leader would have us run between them.
constexpr int hops_max = 3;

/// Peers whose way is remembered. Beyond it, all are forgotten and found again.
constexpr std::size_t routes_max = 4096;

enum class Next {
  done,    ///< That was the answer, for better or worse.
  doubt,   ///< It may have happened.
  follow,  ///< The peer in the detail leads.
  search,  ///< Another peer may know more.
  again,   ///< The same peer will take it soon.
};

/// Whether the node of `at` refused, rather than the leader for a peer that the command is about.
bool is_about(const Tried& tried, const PeerName& at) {
  if (tried.refusal == Refusal::unreachable)
    return tried.detail.empty() || tried.detail == at.address;
  return tried.detail.find('@') == std::string::npos;
}

Next next_after(const Tried& tried, const PeerName& at, Attempts::Kind kind) {
  switch (tried.refusal) {
    case Refusal::redirect:
      return tried.detail.empty() ? Next::search : Next::follow;
    case Refusal::election_in_progress:
    case Refusal::stopping:
      return Next::search;
    case Refusal::busy:
    case Refusal::configuration_in_progress:
      return Next::again;
    case Refusal::unreachable:
    case Refusal::no_peer:
      return is_about(tried, at) ? Next::search : Next::done;
    case Refusal::unknown_outcome:
    case Refusal::timeout:
    case Refusal::disk_failed:
      return kind == Attempts::Kind::query ? Next::search : Next::doubt;
    default:
      return Next::done;
  }
}

/// Of a node that is not there yet.
bool may_come(const Tried& tried, const PeerName& at) {
  return (tried.refusal == Refusal::unreachable && is_about(tried, at))
         || tried.refusal == Refusal::stopping;
}

bool names_nobody(const Reply& reply) {
  const auto* leader = std::get_if<Leader>(&reply);
  return leader != nullptr && leader->peer.empty();
}

}  // namespace

/// For how long one command is attempted.
class Attempts::Patience {
public:
  Patience(const Nodes& nodes, const AttemptOptions& options)
      : nodes_(nodes),
        options_(options),
        end_(nodes.now() + std::max(options.timeout, options.wait)) {}

  /// When the next attempt must end: none takes longer than the timeout.
  Time deadline() const { return waits() ? nodes_.now() + options_.timeout : end_; }
  Time end() const { return end_; }
  bool waits() const { return options_.wait > Duration::zero(); }

  /// Pauses before another attempt. False if there shall be none.
  bool again() {
    const Duration pause = pause_;
    pause_ = std::min(2 * pause_, pause_max);
    return nodes_.now() + pause < end_ && nodes_.pause(pause);
  }

private:
  const Nodes& nodes_;
  const AttemptOptions& options_;
  Time end_;
  Duration pause_ = pause_min;
};

Attempts::Attempts(const Nodes& nodes, AttemptOptions options)
    : nodes_(nodes), options_(std::move(options)), search_(nodes, options_.addresses) {}

Reply Attempts::at_node(const PeerName& named, const Try& attempt) {
  Patience patience(nodes_, options_);
  const PeerName at{named.name, named.address.empty() ? options_.addresses.front() : named.address};
  return repeated(at, patience, attempt).reply;
}

Reply Attempts::at_peer(const PeerName& named, const Try& attempt) {
  if (!options_.follow)
    return at_node(named, attempt);
  Patience patience(nodes_, options_);
  Route& route = route_to(named);
  Tried tried = repeated(route.peer, patience, attempt);
  const bool elsewhere =
      (tried.refusal == Refusal::no_peer || tried.refusal == Refusal::unreachable)
      && is_about(tried, route.peer);
  route.located = route.located || tried.refusal == Refusal::none;
  if (route.located || !elsewhere)
    return std::move(tried.reply);
  const PeerName before = route.peer;
  if (const std::optional<Failure> ambiguous = search_.locate(route, patience.end()))
    return *ambiguous;
  return route.peer == before ? std::move(tried.reply)
                              : repeated(route.peer, patience, attempt).reply;
}

/// Waits for a node that can't be reached yet, if that is wanted.
Tried Attempts::repeated(const PeerName& at, Patience& patience, const Try& attempt) {
  for (;;) {
    Tried tried = attempt(at, patience.deadline());
    if (!patience.waits() || !may_come(tried, at) || !patience.again())
      return tried;
  }
}

Reply Attempts::at_cluster(const PeerName& named, Kind kind, const Try& attempt) {
  if (!options_.follow)
    return at_node(named, attempt);
  Patience patience(nodes_, options_);
  Route& route = route_to(named);
  bool any_member = kind == Kind::query;
  int hops = 0;
  for (;;) {
    if (!route.target) {
      const Found found = search_.look(route, patience.end(), any_member);
      if (found.what == Found::What::no_cluster)
        return ask_without_cluster(route, patience, attempt);
      const bool vain = found.what == Found::What::no_peer && !patience.waits();
      if (found.what != Found::What::leader && (vain || !patience.again()))
        return found.failure;
      if (found.what != Found::What::leader)
        continue;
    }
    const PeerName at = *route.target;
    Tried tried = attempt(at, kind == Kind::query ? first_deadline(patience) : patience.deadline());
    const Next next = next_after(tried, at, kind);
    if (next == Next::done)
      return std::move(tried.reply);
    any_member = false;
    if (next != Next::again)
      route.target.reset();
    if (next == Next::follow && hops++ < hops_max)
      route.target = full_peer(tried.detail);
    else if (next == Next::doubt || !patience.again())
      return std::move(tried.reply);
  }
}

/// The peer runs and is no member of anything: it makes a cluster, or says what it is.
Reply Attempts::ask_without_cluster(Route& route, Patience& patience, const Try& attempt) {
  for (;;) {
    Tried tried = attempt(route.peer, patience.deadline());
    const Next next = next_after(tried, route.peer, Kind::change);
    const bool in_vain = next == Next::done || next == Next::doubt || next == Next::follow;
    if (in_vain || !patience.waits() || !patience.again())
      return std::move(tried.reply);
    const Found found = search_.look(route, patience.end(), false);
    if (found.what == Found::What::leader)
      return attempt(*route.target, patience.deadline()).reply;
  }
}

Reply Attempts::leader(const PeerName& named, const Try& ask_peer) {
  Patience patience(nodes_, options_);
  Route& route = route_to(named);
  for (;;) {
    Tried tried = ask_peer(route.peer, first_deadline(patience));
    if (options_.follow && tried.refusal == Refusal::redirect && !tried.detail.empty())
      return Leader{tried.detail};
    const bool said = tried.refusal == Refusal::none && !names_nobody(tried.reply);
    const bool nobody = tried.refusal == Refusal::none && names_nobody(tried.reply);
    if (said || (nobody && !patience.waits()) || (!options_.follow && !patience.waits()))
      return std::move(tried.reply);
    if (options_.follow) {
      const Found found = search_.look(route, patience.end(), false);
      if (found.what == Found::What::leader)
        return Leader{found.status.name};
      if (found.what == Found::What::no_peer && !patience.waits())
        return found.failure;
      tried.reply = found.what == Found::What::nobody || found.what == Found::What::no_peer
                        ? found.failure
                        : Leader{};
    }
    if (!patience.again())
      return std::move(tried.reply);
  }
}

Reply Attempts::members(const PeerName& named, const Try& ask_peer,
                        const std::function<Reply(const wire::PeerStatus&)>& of_status) {
  if (!options_.follow)
    return at_node(named, ask_peer);
  Patience patience(nodes_, options_);
  Route& route = route_to(named);
  const Tried tried = ask_peer(route.peer, first_deadline(patience));
  if (tried.refusal == Refusal::none)
    return tried.reply;
  for (;;) {
    const Found found = search_.look(route, patience.end(), false);
    const bool vain = found.what == Found::What::no_peer && !patience.waits();
    if (found.what != Found::What::nobody && found.what != Found::What::no_peer)
      return of_status(found.status);
    if (vain || !patience.again())
      return found.failure;
  }
}

/// Of a question to one peer that others can answer in its place.
Time Attempts::first_deadline(const Patience& patience) const {
  return options_.follow ? std::min(patience.deadline(), nodes_.now() + query_patience)
                         : patience.deadline();
}

Route& Attempts::route_to(const PeerName& named) {
  if (routes_.size() >= routes_max)
    routes_.clear();
  const auto [at, is_new] = routes_.try_emplace({named.name, named.address});
  Route& route = at->second;
  if (is_new) {
    route.located = !named.address.empty();
    route.peer = {named.name, route.located ? named.address : options_.addresses.front()};
  }
  return route;
}

}  // namespace troupe::shell
