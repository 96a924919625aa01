#include "actors/node/node_actor.hpp"

#include "actors/node/inquiry_actor.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/random_number.hpp"
#include "actors/transport/acceptor.hpp"
#include "actors/transport/link.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {
namespace {

/// Questions to other nodes at one time.
constexpr std::size_t inquiries_max = 256;

/// Beats in an election timeout: nodes that do not hear each other find out about as soon as peers
/// would.
constexpr int beats_in_timeout = 5;

Beats beats_for(const EngineOptions& options) {
  return {.interval = options.election_timeout_max / beats_in_timeout,
          .missed_max = beats_in_timeout};
}

Index last_of(const Recovered& recovered) {
  if (!recovered.entries.empty())
    return recovered.entries.back().id.index;
  return recovered.snapshot ? std::max(recovered.before.index, recovered.snapshot->place.id.index)
                            : recovered.before.index;
}

}  // namespace

NodeActor::NodeActor(caf::actor_config& config, NodeParts parts)
    : caf::event_based_actor(config),
      options_(std::move(parts.options)),
      files_(parts.files),
      hello_{.version = wire::protocol_version,
             .node = options_.name,
             .address = options_.advertise,
             .incarnation = random_number()},
      listening_(std::move(parts.listening)),
      restored_(std::move(parts.peers)),
      store_(std::move(parts.store)),
      snapshots_(std::move(parts.snapshots)),
      on_failure_(std::move(parts.on_failure)),
      on_stopped_(std::move(parts.on_stopped)) {}

caf::behavior NodeActor::make_behavior() {
  outlive_errors(this);
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  registry_ = std::make_shared<Registry>();
  watch(store_);
  watch(snapshots_);
  AcceptorOptions acceptor;
  acceptor.hello = hello_;
  acceptor.node = self();
  acceptor.registry = registry_;
  acceptor.slots = {.connections_max = files_.connections_max,
                    .per_source_max = std::max<std::size_t>(files_.connections_max / 4 * 3, 1),
                    .nodes_max = files_.nodes_max,
                    .strangers_max = files_.strangers_max};
  acceptor.beats = beats_for(options_.engine);
  acceptor_ = spawn_acceptor(system(), std::move(listening_), std::move(acceptor));
  watch(acceptor_);
  for (RestoredPeer& peer : std::exchange(restored_, {}))
    restore(std::move(peer));
  publish_registry();
  return {
      [this](InboundCalls& inbound) { on_calls(inbound); },
      [this](InboundRequest& inbound) { on_request(inbound); },
      [this](const WantLink& want) { on_want_link(want); },
      [this](const DropLink& drop) { on_drop_link(drop); },
      [this](const WantRegistry& want) { on_want_registry(want); },
      [this](const NodeInDoubt& doubt) { on_node_in_doubt(doubt); },
      [this](const NodeHeard& heard) { on_node_heard(heard); },
      [this](Inquire& inquire) { on_inquire(inquire); },
      [this](const Inquired& inquired) { on_inquired(inquired); },
      [this](const PeerPut& put) { on_put(put); },
      [this](const PeerDeleted& deleted) { on_deleted(deleted); },
      [this](const SnapshotsRemoved& removed) { on_snapshots_removed(removed); },
      [this](PeerRecovered& recovered) { on_recovered(recovered); },
      [this](const StoreFailed& failed) { on_store_failed(failed); },
      [this](const PeerStopped& stopped) { on_peer_stopped(stopped); },
      [this](const Wake& wake) { on_wake(wake); },
      [this](const Flush&) { tell_peers(); },
      [this](const Stop&) { stop(); },
      // Nothing is asked over the links of a node, so nothing is answered.
      ignore<InboundReplies>(),
      ignore<InboundResponse>(),
  };
}

/// Actors that hold each other's handles are never freed.
void NodeActor::on_exit() {
  peers_.clear();
  registry_.reset();
  links_.clear();
  link_users_.clear();
  acceptor_ = store_ = snapshots_ = nullptr;
  peer_actors_.clear();
  inquiries_.clear();
  clients_.clear();
  if (on_stopped_)
    std::exchange(on_stopped_, nullptr)();
}

std::string NodeActor::full_name_of(const Hosted& hosted) const {
  return full_name(Member{hosted.record.id, hosted.record.name, address()});
}

NodeActor::Hosted* NodeActor::find(std::string_view peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : &found->second;
}

NodeActor::Hosted* NodeActor::find(PeerId peer) {
  for (auto& [name, hosted] : peers_)
    if (hosted.record.id == peer)
      return &hosted;
  return nullptr;
}

/// Starts the peer. The registry that names it is published by the caller.
void NodeActor::run_peer(Hosted& hosted, Recovered recovered) {
  TROUPE_ASSERT(!hosted.actor);
  PeerParts parts;
  parts.record = hosted.record;
  parts.address = address();
  parts.node_incarnation = hello_.incarnation;
  parts.contacts = options_.contacts;
  parts.kind = options_.kinds.at(hosted.record.kind);
  parts.options = hosted.options;
  parts.options.self = hosted.record.id;
  parts.options.seed = random_number();
  parts.recovered = std::move(recovered);
  parts.registry = registry_;
  parts.node = self();
  parts.store = store_;
  parts.snapshots = snapshots_;
  parts.stop_timeout = options_.stop_timeout;
  parts.on_news = options_.on_news;
  hosted.actor = spawn<PeerActor>(std::move(parts));
  hosted.state = State::running;
  hosted.is_new = false;
  hosted.held.reset();
  hosted.recovering = false;
  hosted.configuration.reset();
  hosted.looking_for_leader = false;
  for (InboundCalls& calls : std::exchange(hosted.calls, {}))
    actors::send(this, hosted.actor, std::move(calls));
  for (InboundRequest& request : std::exchange(hosted.requests, {}))
    actors::send(this, hosted.actor, std::move(request));
  peer_actors_.insert(hosted.actor);
  watch(hosted.actor);
  log(LogLevel::info, "started", {{"peer", hosted.record.name}, {"kind", hosted.record.kind}});
}

/// Tells everyone whom to reach here. A peer that stops is reached until it has: it answers. Those
/// who bring what clients ask hear of it before the client does who had a peer started. Peers can
/// wait: what they say to one of whom they have not heard is lost, as on any network.
void NodeActor::publish_registry() {
  auto registry = std::make_shared<Registry>();
  registry->ended = ended_;
  for (const auto& [address, link] : links_)
    registry->nodes.insert(address);
  for (const auto& [name, hosted] : peers_) {
    if (!hosted.actor)
      continue;
    registry->by_id[hosted.record.id] = hosted.actor;
    registry->by_name[name] = hosted.actor;
  }
  registry_ = std::move(registry);
  if (acceptor_)
    actors::send(this, acceptor_, registry_);
  for (const auto& [address, link] : links_)
    actors::send(this, link, registry_);
  for (const caf::actor& client : clients_)
    actors::send(this, client, registry_);
  const auto wait = news_.news_for(registry_->by_id.size());
  if (wait == Duration::zero())
    tell_peers();
  else if (wait)
    send_after(this, *wait, this, Flush{});
}

void NodeActor::tell_peers() {
  news_.told();
  if (!registry_)
    return;
  for (const auto& [id, peer] : registry_->by_id)
    actors::send(this, peer, registry_);
}

/// A peer that ran when the node last stopped runs again, with the options that it was started
/// with, unless it is held back.
void NodeActor::restore(RestoredPeer peer) {
  Hosted& hosted = peers_[peer.record.name];
  hosted.record = std::move(peer.record);
  if (hosted.record.name == options_.held_peer) {
    hosted.held = identity_of(hosted);
    hosted.held->cluster = peer.recovered.hard_state.cluster;
    hosted.held->term = peer.recovered.hard_state.term;
    hosted.held->last = last_of(peer.recovered);
    return;
  }
  if (!hosted.record.running)
    return;
  auto options = options_with(hosted.record.options);
  if (!options) {
    log(LogLevel::error, "not_started",
        {{"peer", hosted.record.name}, LogField::own("error", options.detail())});
    return;
  }
  hosted.options = *std::move(options);
  run_peer(hosted, std::move(peer.recovered));
}

void NodeActor::on_want_link(const WantLink& want) {
  if (phase_ != Phase::running || want.address == address())
    return;
  auto found = links_.find(want.address);
  if (found == links_.end()) {
    if (links_.size() >= files_.links_max) {
      if (!std::exchange(links_full_, true))
        log(LogLevel::warning, "too_many_links", {{"links_max", files_.links_max}});
      return;
    }
    LinkOptions options;
    options.address = want.address;
    options.hello = hello_;
    options.owner = self();
    options.registry = registry_;
    options.beats = beats_for(options_.engine);
    const auto link = spawn<Link>(std::move(options));
    watch(link);
    found = links_.emplace(want.address, link).first;
    publish_registry();  // A member over there is to find a place here.
  }
  link_users_[want.address].insert(want.subscriber);
  actors::send(this, found->second, want);
}

/// A peer that is a member no more does not keep a connection for ever.
void NodeActor::on_drop_link(const DropLink& drop) {
  const auto users = link_users_.find(drop.address);
  if (users == link_users_.end() || users->second.erase(drop.subscriber) == 0
      || !users->second.empty())
    return;
  link_users_.erase(users);
  if (const auto link = links_.find(drop.address); link != links_.end()) {
    send_exit(link->second, caf::exit_reason::user_shutdown);
    links_.erase(link);
  }
}

void NodeActor::on_want_registry(const WantRegistry& want) {
  if (clients_.insert(want.subscriber).second)
    watch(want.subscriber);
  if (registry_)
    actors::send(this, want.subscriber, registry_);
}

/// A peer that has a member there, or was written to from there, wants a link there.
void NodeActor::on_node_in_doubt(const NodeInDoubt& doubt) {
  const auto users = link_users_.find(doubt.address);
  if (users == link_users_.end())
    return;
  for (const caf::actor& peer : users->second)
    actors::send(this, peer, doubt);
}

/// Of a node that was away for long our link tries only now and then, and who is elected in the
/// meantime could not reach it: followers speak to their leader alone.
void NodeActor::on_node_heard(const NodeHeard& heard) {
  if (const auto link = links_.find(heard.address); link != links_.end())
    actors::send(this, link->second, heard);
}

void NodeActor::on_inquire(Inquire& inquire) {
  if (phase_ != Phase::running || inquiries_.size() >= inquiries_max) {
    // As if nobody could be reached.
    Inquired none{.id = inquire.id, .responses = {}};
    for (const Inquire::Question& question : inquire.questions)
      none.responses.push_back(
          {.id = 0, .refusal = Refusal::unreachable, .detail = question.address, .body = {}});
    actors::send(this, inquire.reply_to, std::move(none));
    return;
  }
  const auto inquiry = spawn<InquiryActor>(self(), hello_, std::move(inquire));
  watch(inquiry);
  inquiries_.insert(inquiry);
}

/// The peer's last words. Its actor goes on for a moment, and passes back to us what still
/// reaches it.
void NodeActor::on_peer_stopped(const PeerStopped& stopped) {
  Hosted* hosted = find(stopped.peer);
  TROUPE_ASSERT(hosted != nullptr);
  hosted->configuration = stopped.configuration;
  if (phase_ != Phase::running && hosted->actor)
    actors::send(this, hosted->actor, Stop{});  // Nobody will be told where else to go.
  retire(*hosted);
  if (!stopped.failure.empty())
    fail(stopped.failure);
}

void NodeActor::retire(Hosted& hosted) {
  hosted.actor = nullptr;
  hosted.state = State::stopped;
  ++ended_;
  publish_registry();
  wire::Response response;
  response.body = full_name_of(hosted);
  respond_all(hosted.askers, std::move(response));
}

void NodeActor::fail(const std::string& why) {
  log(LogLevel::error, "disk_failed", {{"node", options_.name}, LogField::own("error", why)});
  if (on_failure_)
    on_failure_(why);
  if (options_.on_news)
    options_.on_news(FailureNews{why});
}

}  // namespace troupe::actors
