#include "actors/client/cluster_actor.hpp"

#include "actors/node/node.hpp"
#include "wire/command.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace troupe::actors {
namespace {

/// Client -> cluster actor: the reply to a call.
struct Replied {
  std::uint64_t id = 0;
  wire::CallReply reply{};
};

}  // namespace
}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Replied)

namespace troupe::actors {
namespace {

using Promise = caf::typed_response_promise<wire::CallReply>;

/// Turns a client's functions into CAF's promises. Each is kept here, by a number: a client replies
/// on a thread of its own, where nothing of this actor may be touched.
class ClusterActorShell : public caf::event_based_actor {
public:
  ClusterActorShell(caf::actor_config& config, std::unique_ptr<Client> client)
      : caf::event_based_actor(config), client_(std::move(client)) {}

  caf::behavior make_behavior() override {
    outlive_errors(this);
    set_default_handler(caf::drop);  // Answers with the error, and prints nothing.
    return {
        [this](const CommandRequest& request) {
          auto [id, promise] = begin(Refusal::unknown_outcome);
          client_->write(wire::encode_command(request.command.span()), reply_to(id));
          return promise;
        },
        [this](const QueryRequest& request) {
          auto [id, promise] = begin(Refusal::stopping);
          client_->read(request.query, reply_to(id), request.level);
          return promise;
        },
        [this](Replied& replied) {
          auto call = calls_.extract(replied.id);
          call.mapped().promise.deliver(std::move(replied.reply));
        },
    };
  }
  const char* name() const override { return "cluster"; }

  void on_exit() override {
    client_.reset();
    for (auto& [id, call] : calls_) {
      wire::CallReply reply;
      reply.refusal = call.at_end;
      call.promise.deliver(std::move(reply));
    }
    calls_.clear();
  }

private:
  struct Call {
    Promise promise{};
    Refusal at_end = Refusal::none;  ///< If we end before it does.
  };

  std::pair<std::uint64_t, Promise> begin(Refusal at_end) {
    auto promise = make_response_promise<Promise>();
    calls_.emplace(++last_, Call{promise, at_end});
    return {last_, std::move(promise)};
  }

  Client::OnReply reply_to(std::uint64_t id) {
    return [id, self = caf::actor_cast<caf::actor_addr>(this)](wire::CallReply reply) {
      if (const auto there = caf::actor_cast<caf::actor>(self))
        send_from_outside(there, Replied{id, std::move(reply)});
    };
  }

  std::unique_ptr<Client> client_;
  std::map<std::uint64_t, Call> calls_{};
  std::uint64_t last_ = 0;
};

ClusterActor spawn(caf::actor_system& system, std::unique_ptr<Client> client,
                   std::vector<std::string> peers) {
  client->use_cluster(std::move(peers));
  return caf::actor_cast<ClusterActor>(system.spawn<ClusterActorShell>(std::move(client)));
}

}  // namespace

ClusterActor spawn_cluster_actor(caf::actor_system& system, std::vector<std::string> peers,
                                 ClientOptions options) {
  return spawn(system, std::make_unique<Client>(system, options), std::move(peers));
}

ClusterActor spawn_cluster_actor(caf::actor_system& system, const Node& node,
                                 std::vector<std::string> peers, ClientOptions options) {
  return spawn(system, std::make_unique<Client>(node, options), std::move(peers));
}

}  // namespace troupe::actors
