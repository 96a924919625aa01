#pragma once

/// \file
/// A process that hosts peers: in threads of its own, or in a `caf::actor_system` of the program.
/// Link `Troupe::actors`.

#include "actors/node/node.hpp"
#include "troupe/kind.hpp"
#include "troupe/result.hpp"

namespace troupe {

using actors::ConfigurationNews;
using actors::DiskNews;
using actors::FailureNews;
using actors::MemberNews;
using actors::News;
using actors::Node;
using actors::NodeOptions;
using actors::OnNews;
using actors::RoleNews;

}  // namespace troupe
