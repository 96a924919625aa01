#pragma once

#include "actors/peer/peer_options.hpp"
#include "core/configuration.hpp"
#include "core/refusal.hpp"
#include "wire/packet.hpp"

#include <string>
#include <vector>

namespace troupe::actors {

/// What `change` makes of `current`, which is empty where a cluster is founded. Members that are
/// new have the id `nobody`: who they are only their nodes can tell.
///
/// Refuses: `not_found` for one that is to be removed, promoted or demoted and cannot be; `invalid`
/// if nobody would vote, or one is to be added in a lower rank than it has.
Result<Configuration> changed(const Configuration& current, const wire::SetConfiguration& wanted,
                              const std::vector<NamedMember>& members);

/// The rank of `name` in `configuration`, as one asks for it: "voter", "learner", "standby";
/// nothing of one that is no member. An old voter of a joint configuration is a voter still.
std::string_view rank_of(const Configuration& configuration, const std::string& name);

}  // namespace troupe::actors
