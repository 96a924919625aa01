#pragma once

/// \file
/// A cluster as an actor that a program's actors ask by typed requests, and how to configure a
/// `caf::actor_system` for nodes and clients. Includes CAF. Link `Troupe::actors`.

#include "actors/client/cluster_actor.hpp"
#include "actors/runtime/caf.hpp"
#include "troupe/client.hpp"
#include "troupe/node.hpp"

namespace troupe {

using actors::ClusterActor;
using actors::CommandRequest;
using actors::configure;
using actors::QueryRequest;
using actors::spawn_cluster_actor;

}  // namespace troupe
