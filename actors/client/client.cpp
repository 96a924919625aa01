#include "actors/client/client.hpp"

#include "actors/client/client_actor.hpp"
#include "actors/client/client_intake.hpp"
#include "actors/node/node.hpp"
#include "storage/descriptors.hpp"

#include <utility>

namespace troupe::actors {

namespace {

/// The largest payload that fits a frame with everything around it.
constexpr std::size_t payload_bytes_max = wire::frame_body_bytes_max - (std::size_t{64} << 10);
/// No operator's request comes near this; it is far below what fits a frame.
constexpr std::size_t request_bytes_max = std::size_t{1} << 20;

using Scope = Operation::Scope;

/// What the error texts quote of what a caller said.
constexpr std::size_t quoted_bytes_max = 64;

/// Threads of a client's own.
struct OwnSystem {
  struct Config : caf::actor_system_config {
    Config() {
      storage::open_standard_descriptors();  // No log line may go to a socket.
      configure(*this);
      set("scheduler.max-threads", std::size_t{1});
    }
  };
  Config config{};
  caf::actor_system system{config};
};

std::size_t text_bytes(const wire::Request& request) {
  std::size_t bytes = request.peer.size();
  if (const auto* start = std::get_if<wire::StartPeer>(&request.body)) {
    bytes += start->kind.size();
    for (const auto& [key, value] : start->options)
      bytes += key.size() + value.size() + 32;
  }
  if (const auto* set = std::get_if<wire::SetConfiguration>(&request.body))
    for (const std::string& member : set->members)
      bytes += member.size() + 32;
  return bytes;
}

}  // namespace

struct Client::Parts {
  explicit Parts(const ClientOptions& client_options)
      : options(client_options),
        shared(std::make_shared<ClientShared>(options.calls_max, options.bytes_max)) {}

  void start(caf::actor_system& system, LocalNode local = {}) {
    intake->open(system.spawn<ClientActor>(options, shared, intake, std::move(local)));
  }

  /// Has the client's actor do `operation`, unless that is known to be useless.
  void submit(OperationPtr operation, Duration timeout) {
    if (!unusable.empty())
      return operation->finish(Refusal::invalid, unusable);
    operation->deadline = std::chrono::steady_clock::now() + timeout;
    const std::size_t bytes =
        operation->request ? text_bytes(*operation->request) : operation->payload.size();
    const std::size_t bytes_max = operation->request ? request_bytes_max : payload_bytes_max;
    if (bytes > bytes_max) {
      operation->refused = Refusal::too_large;
      operation->last_detail = std::to_string(bytes_max);
    } else if (operation->peer.size() > wire::name_bytes_max) {
      operation->refused = Refusal::no_peer;
      operation->last_detail = operation->peer.substr(0, quoted_bytes_max) + "... (a name of "
                               + std::to_string(operation->peer.size()) + " bytes)";
    } else if (!operation->reserve(shared)) {
      operation->refused = Refusal::busy;
    }
    if (operation->refused != Refusal::none)
      operation->payload = {};  // It waits for its answer outside of the limits.
    if (!intake->put(operation))
      operation->abandon();
  }

  void submit_call(Operation::Answer answer, wire::CallKind kind, Bytes payload,
                   ReadLevel level = ReadLevel::linearizable) {
    auto operation = std::make_shared<Operation>(Scope::cluster, std::move(answer));
    operation->kind = kind;
    operation->level = level;
    operation->payload = std::move(payload);
    submit(std::move(operation), options.timeout);
  }

  std::future<wire::CallReply> call(wire::CallKind kind, Bytes payload,
                                    ReadLevel level = ReadLevel::linearizable) {
    std::promise<wire::CallReply> promise;
    auto future = promise.get_future();
    submit_call(std::move(promise), kind, std::move(payload), level);
    return future;
  }

  ClientOptions options;
  std::shared_ptr<ClientShared> shared;
  std::shared_ptr<ClientIntake> intake = std::make_shared<ClientIntake>();
  std::unique_ptr<OwnSystem> own{};  ///< Null if the system is someone else's.
  std::string unusable{};            ///< The reason, where no call can ever be done.
};

Client::Client(ClientOptions options) : parts_(std::make_unique<Parts>(options)) {
  parts_->own = std::make_unique<OwnSystem>();
  parts_->start(parts_->own->system);
}

Client::Client(caf::actor_system& system, ClientOptions options)
    : parts_(std::make_unique<Parts>(options)) {
  if (system.has_middleman()) {
    parts_->start(system);
    return;
  }
  parts_->unusable =
      "the client's actor system has no module caf::io::middleman: call "
      "troupe::actors::configure on its configuration first";
  parts_->intake->never_open();
}

Client::Client(const Node& node, ClientOptions options) : parts_(std::make_unique<Parts>(options)) {
  LocalNode local = node.local();
  if (local.system == nullptr)
    parts_->intake->never_open();
  else
    parts_->start(*local.system, local);
}

Client::~Client() {
  // Its functions may refer to what the caller destroys next.
  parts_->intake->end();
}

std::future<wire::Response> Client::request(std::string address, wire::Request request,
                                            Duration timeout) {
  std::promise<wire::Response> promise;
  auto future = promise.get_future();
  auto operation = std::make_shared<Operation>(Scope::node, std::move(promise));
  operation->address = std::move(address);
  operation->peer = request.peer;
  operation->request = std::make_unique<wire::Request>(std::move(request));
  parts_->submit(std::move(operation), timeout);
  return future;
}

std::future<wire::CallReply> Client::call(std::string address, std::string peer,
                                          wire::CallKind kind, Bytes payload, Duration timeout,
                                          ReadLevel level) {
  std::promise<wire::CallReply> promise;
  auto future = promise.get_future();
  auto operation = std::make_shared<Operation>(Scope::node, std::move(promise));
  operation->address = std::move(address);
  operation->peer = std::move(peer);
  operation->kind = kind;
  if (kind == wire::CallKind::query)
    operation->level = level;
  operation->payload = std::move(payload);
  parts_->submit(std::move(operation), timeout);
  return future;
}

void Client::use_cluster(std::vector<std::string> peers) {
  parts_->intake->put(UseCluster{std::move(peers)});
}

void Client::write(Bytes envelope, OnReply on_reply) {
  parts_->submit_call(std::move(on_reply), wire::CallKind::command, std::move(envelope));
}

std::future<wire::CallReply> Client::write(Bytes envelope) {
  return parts_->call(wire::CallKind::command, std::move(envelope));
}

void Client::read(Bytes question, OnReply on_reply, ReadLevel level) {
  parts_->submit_call(std::move(on_reply), wire::CallKind::query, std::move(question), level);
}

std::future<wire::CallReply> Client::read(Bytes question, ReadLevel level) {
  return parts_->call(wire::CallKind::query, std::move(question), level);
}

std::string Client::leader() const {
  return parts_->shared->leader();
}

}  // namespace troupe::actors
