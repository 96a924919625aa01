#pragma once

#include "actors/client/client.hpp"
#include "actors/runtime/caf.hpp"
#include "core/types.hpp"
#include "wire/packet.hpp"

#include <string>
#include <vector>

namespace troupe::actors {

/// A command in the bytes of its kind, as `valid_command` takes them.
struct CommandRequest {
  Bytes command{};
};

/// A query in the bytes of its kind.
struct QueryRequest {
  Bytes query{};
  ReadLevel level = ReadLevel::linearizable;
};

/// What a program's actors ask a cluster through:
///
///     self->request(cluster, 5s, CommandRequest{bytes}).then([](wire::CallReply& reply) { … });
///
/// Each request is answered with a reply or a refusal within the client's timeout, as `Client`
/// says; wait for longer than that. A message of another type is answered with CAF's
/// `unexpected_message`, and does no harm. It ends with its exit message, for example `send_exit`.
/// Then queries in flight end in `stopping`, and commands in `unknown_outcome`.
using ClusterActor = caf::typed_actor<caf::replies_to<CommandRequest>::with<wire::CallReply>,
                                      caf::replies_to<QueryRequest>::with<wire::CallReply>>;

/// Asks the cluster of `peers`, "name@host:port", wherever its leader is. Lives in `system`, as a
/// client that is given one does.
ClusterActor spawn_cluster_actor(caf::actor_system& system, std::vector<std::string> peers,
                                 ClientOptions options = {});

/// Likewise in the process of `node`, without a connection to it. The node may stop first: all
/// calls end in `stopping` from then on.
ClusterActor spawn_cluster_actor(caf::actor_system& system, const Node& node,
                                 std::vector<std::string> peers, ClientOptions options = {});

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::CommandRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::QueryRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wire::CallReply)
