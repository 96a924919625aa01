#include "actors/disk/messages.hpp"
#include "actors/node/node_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/random_number.hpp"
#include "actors/runtime/replies.hpp"
#include "actors/transport/messages.hpp"

#include <utility>

namespace troupe::actors {
namespace {

/// Whether the leader of the peer's cluster can do it in the place of a stopped peer.
bool is_for_leader(const wire::Request& request) {
  return std::holds_alternative<wire::AskLeader>(request.body)
         || std::holds_alternative<wire::SetConfiguration>(request.body)
         || std::holds_alternative<wire::TransferLeadership>(request.body);
}

}  // namespace

void NodeActor::on_request(InboundRequest& inbound) {
  const wire::Request& request = inbound.request;
  if (phase_ != Phase::running)
    return respond(this, inbound.connection, refused(request.id, Refusal::stopping));
  if (const auto* start = std::get_if<wire::StartPeer>(&request.body))
    return on_start(inbound, *start);
  if (std::holds_alternative<wire::StopPeer>(request.body))
    return on_stop_peer(inbound);
  if (std::holds_alternative<wire::DeletePeer>(request.body))
    return on_delete_peer(inbound);
  if (std::holds_alternative<wire::AskPeers>(request.body))
    return respond(this, inbound.connection, answer(request));

  Hosted* hosted = find(request.peer);
  const bool about_identity = std::holds_alternative<wire::AskIdentity>(request.body);
  if (about_identity && (hosted == nullptr || !hosted->actor))
    return respond(this, inbound.connection, answer(request));
  if (hosted == nullptr)
    return respond(this, inbound.connection, refused(request.id, Refusal::no_peer, request.peer));
  if (hosted->actor)
    return actors::send(this, hosted->actor, std::move(inbound));
  if (hosted->state == State::starting)
    return respond(this, inbound.connection, refused(request.id, Refusal::busy));
  if (!is_for_leader(request))
    return respond(this, inbound.connection, refused(request.id, Refusal::no_peer, request.peer));
  hosted->requests.push_back(std::move(inbound));
  look_for_leader(*hosted);
}

/// Answers with what the node knows by itself, also of a peer that does not run.
wire::Response NodeActor::answer(const wire::Request& request) {
  wire::Response response;
  response.id = request.id;
  if (std::holds_alternative<wire::AskPeers>(request.body)) {
    std::vector<std::string> names;
    for (const auto& [name, hosted] : peers_)
      if (!hosted.is_new)
        names.push_back(name);
    response.body = std::move(names);
    return response;
  }
  const Hosted* hosted = find(request.peer);
  if (hosted == nullptr || hosted->is_new)
    return refused(request.id, Refusal::no_peer, request.peer);
  response.body = hosted->held.value_or(identity_of(*hosted));
  return response;
}

wire::Identity NodeActor::identity_of(const Hosted& hosted) const {
  return {.id = hosted.record.id,
          .kind = hosted.record.kind,
          .address = hello_.address,
          .node = hello_.incarnation};
}

void NodeActor::on_start(const InboundRequest& inbound, const wire::StartPeer& start) {
  const caf::actor& connection = inbound.connection;
  const wire::Request& request = inbound.request;
  Hosted* hosted = find(request.peer);
  // A peer that was held back starts as it would have with its node.
  const bool is_held = hosted != nullptr && hosted->held;
  wire::StartPeer wanted = start;
  if (is_held)
    wanted.options = hosted->record.options;
  auto options = check_start(request.peer, wanted, hosted);
  if (!options)
    return respond(this, connection, refused(request.id, options.refusal(), options.detail()));
  if (hosted == nullptr) {
    hosted = &peers_[request.peer];
    hosted->is_new = true;
    hosted->record = {.id = PeerId{random_number()}, .name = request.peer, .kind = start.kind};
  }
  hosted->state = State::starting;
  hosted->options = *std::move(options);
  hosted->record.running = true;
  hosted->record.options = std::move(wanted.options);
  hosted->askers.push_back({connection, request.id, inbound.ticket});
  actors::send(this, store_, PutPeer{self(), hosted->record});
}

Result<EngineOptions> NodeActor::check_start(const std::string& peer, const wire::StartPeer& start,
                                             const Hosted* hosted) const {
  if (!options_.kinds.contains(start.kind))
    return {Refusal::unknown_kind, start.kind};
  if (!valid_peer_name(peer))
    return {Refusal::invalid, "name " + peer};
  if (hosted != nullptr && (hosted->state == State::stopping || hosted->state == State::deleting))
    return Refusal::busy;
  if (hosted == nullptr && peers_.size() >= options_.peers_max)
    return {Refusal::too_many_peers, std::to_string(options_.peers_max)};
  if (hosted != nullptr && hosted->state != State::stopped)
    return {Refusal::already_started, full_name_of(*hosted)};
  if (hosted != nullptr && hosted->record.kind != start.kind)
    return {Refusal::invalid, full_name_of(*hosted) + " is a " + hosted->record.kind};
  return options_with(start.options);
}

Result<EngineOptions> NodeActor::options_with(
    const std::vector<std::pair<std::string, std::string>>& changes) const {
  EngineOptions options = options_.engine;
  options.self = {1};  // Any peer: the check wants one.
  return with_options(options, changes);
}

/// It is durable that the peer does not run before it stops: a node that dies in between would
/// else bring back what an operator took away.
void NodeActor::on_stop_peer(const InboundRequest& inbound) {
  const wire::Request& request = inbound.request;
  Hosted* hosted = find(request.peer);
  if (hosted == nullptr || !hosted->actor)
    return respond(this, inbound.connection, refused(request.id, Refusal::no_peer, request.peer));
  hosted->askers.push_back({inbound.connection, request.id, inbound.ticket});
  if (std::exchange(hosted->state, State::stopping) == State::stopping)
    return;
  hosted->record.running = false;
  actors::send(this, store_, PutPeer{self(), hosted->record});
}

/// The log and the record go in one transaction. If the node dies before the snapshots have gone,
/// too, they go when it starts.
void NodeActor::on_delete_peer(const InboundRequest& inbound) {
  const wire::Request& request = inbound.request;
  Hosted* hosted = find(request.peer);
  if (hosted == nullptr)
    return respond(this, inbound.connection, refused(request.id, Refusal::no_peer, request.peer));
  if (hosted->state != State::stopped && hosted->state != State::deleting)
    return respond(this, inbound.connection,
                   refused(request.id, Refusal::invalid,
                           full_name_of(*hosted) + " runs; stop it before you delete it"));
  hosted->askers.push_back({inbound.connection, request.id, inbound.ticket});
  if (std::exchange(hosted->state, State::deleting) == State::stopped)
    actors::send(this, store_, DeletePeer{self(), hosted->record.id});
}

void NodeActor::on_deleted(const PeerDeleted& deleted) {
  Hosted* hosted = find(deleted.peer);
  if (hosted == nullptr || hosted->state != State::deleting)
    return;
  if (!deleted.refusal)
    return actors::send(this, snapshots_, RemoveSnapshots{self(), deleted.peer});
  hosted->state = State::stopped;
  respond_all(hosted->askers, refused(0, Refusal::no_space, deleted.refusal->text));
}

void NodeActor::on_snapshots_removed(const SnapshotsRemoved& removed) {
  Hosted* hosted = find(removed.peer);
  if (hosted == nullptr)
    return;
  const std::string name = hosted->record.name;
  for (const InboundCalls& inbound : std::exchange(hosted->calls, {})) {
    Replies replies;
    replies.refuse(inbound.connection, inbound.calls.calls, Refusal::no_peer, name);
    send_all(this, replies);
  }
  for (const InboundRequest& waiting : std::exchange(hosted->requests, {}))
    respond(this, waiting.connection, refused(waiting.request.id, Refusal::no_peer, name));
  respond_all(hosted->askers, {});
  log(LogLevel::info, "deleted", {{"peer", name}, {"kind", hosted->record.kind}});
  peers_.erase(name);
}

void NodeActor::on_put(const PeerPut& put) {
  Hosted* hosted = find(put.record.id);
  if (hosted == nullptr || phase_ != Phase::running)
    return;
  if (put.refusal)
    return on_put_refused(*hosted, *put.refusal);
  if (hosted->state == State::stopping && hosted->actor)
    actors::send(this, hosted->actor, Stop{});
  if (hosted->state != State::starting)
    return;
  if (!hosted->is_new) {
    hosted->recovering = true;
    return actors::send(this, store_, RecoverPeer{self(), hosted->record.id});
  }
  run_peer(*hosted, {});
  publish_registry();
  end_start(*hosted, {});
}

/// All is as it was before somebody asked.
void NodeActor::on_put_refused(Hosted& hosted, const storage::StoreError& error) {
  if (hosted.state == State::starting)
    hosted.state = State::stopped;
  else if (hosted.state == State::stopping)
    hosted.state = State::running;
  hosted.record.running = hosted.state == State::running;
  respond_all(hosted.askers, refused(0, Refusal::no_space, error.text));
  if (hosted.is_new)
    peers_.erase(std::string(hosted.record.name));
  else
    look_again(hosted);
}

void NodeActor::on_recovered(PeerRecovered& recovered) {
  Hosted* hosted = find(recovered.peer);
  if (hosted == nullptr || phase_ != Phase::running)
    return;
  const auto* error = std::get_if<storage::StoreError>(&recovered.outcome);
  if (error != nullptr)
    log(LogLevel::error, "not_recovered",
        {{"peer", hosted->record.name}, LogField::own("error", error->text)});
  if (hosted->recovering)
    return finish_start(*hosted, recovered);
  if (hosted->state != State::stopped)
    return;  // It is being started meanwhile; who waits for its leader will hear from itself.
  // It was read to learn whom to ask in its place.
  hosted->configuration.emplace();
  if (error == nullptr && std::get<Recovered>(recovered.outcome).snapshot)
    hosted->configuration = std::get<Recovered>(recovered.outcome).snapshot->place.configuration;
  if (error == nullptr)
    for (const Entry& entry : std::get<Recovered>(recovered.outcome).entries)
      if (entry.kind == EntryKind::configuration)
        if (auto configuration = decode_configuration(entry.payload.text()))
          hosted->configuration = *std::move(configuration);
  ask_for_leader(*hosted);
}

void NodeActor::finish_start(Hosted& hosted, PeerRecovered& recovered) {
  hosted.recovering = false;
  if (const auto* error = std::get_if<storage::StoreError>(&recovered.outcome)) {
    hosted.state = State::stopped;
    end_start(hosted, refused(0, Refusal::disk_failed, error->text));
    return look_again(hosted);
  }
  run_peer(hosted, std::get<Recovered>(std::move(recovered.outcome)));
  publish_registry();
  end_start(hosted, {});
}

/// Answers who asked for the start. One that went well is answered with the peer's full name.
void NodeActor::end_start(Hosted& hosted, const wire::Response& response) {
  wire::Response complete = response;
  if (complete.refusal == Refusal::none)
    complete.body = full_name_of(hosted);
  respond_all(hosted.askers, std::move(complete));
}

/// What we wanted to be durable is not known to be. Peers hear the same when they next write.
void NodeActor::on_store_failed(const StoreFailed& failed) {
  fail(failed.error.text.empty() ? "disk failed" : failed.error.text);
  for (auto& [name, hosted] : peers_) {
    if (hosted.state == State::starting) {
      hosted.state = State::stopped;
      look_again(hosted);
    } else if (hosted.state == State::deleting) {
      hosted.state = State::stopped;
    } else if (hosted.state == State::stopping) {
      hosted.state = State::running;
    } else {
      continue;
    }
    respond_all(hosted.askers, refused(0, Refusal::disk_failed, failed.error.text));
  }
  std::erase_if(peers_, [](const auto& peer) {
    return peer.second.is_new && peer.second.state == State::stopped;
  });
}

void NodeActor::respond_all(std::vector<Asker>& askers, wire::Response response) {
  for (const Asker& asker : std::exchange(askers, {})) {
    response.id = asker.request;
    respond(this, asker.connection, response);
  }
}

}  // namespace troupe::actors
