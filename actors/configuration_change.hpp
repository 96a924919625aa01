#pragma once

#include "actors/peer_options.hpp"
#include "core/configuration.hpp"
#include "core/refusal.hpp"
#include "wire/packet.hpp"

#include <vector>

namespace troupe::actors {

/// What `change` makes of `current`, which is empty where a cluster is founded. Members that are
/// new have the id `nobody`: who they are only their nodes can tell. A member that is known by name
/// and stands at another address has moved: it is asked for its id, too.
///
/// Refuses: `not_found` for one that is to be removed, promoted or demoted and is no member of that
/// sort; `invalid` if nobody would vote.
Result<Configuration> changed(Configuration current, wire::Change change,
                              const std::vector<NamedMember>& members);

/// The members of `configuration` whose ids are not known, in a fixed order.
std::vector<Member*> unknown_members(Configuration& configuration);

}  // namespace troupe::actors
