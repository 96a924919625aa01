#pragma once

#include "core/options.hpp"
#include "core/refusal.hpp"
#include "wire/packet.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::actors {

/// Whether people may call a peer so: 1 to 64 letters, digits, `_` and `-`.
bool valid_peer_name(std::string_view name);

/// `options` with what `start_peer` was told to change: `election_timeout_min_ms`,
/// `election_timeout_max_ms`, `heartbeat_interval_ms`, `catch_up_timeout_ms`, and the limits by
/// their names in `EngineOptions`. Refuses as `invalid` what is unknown, not a number, or makes no
/// sense together.
Result<EngineOptions> with_options(EngineOptions options,
                                   const std::vector<std::pair<std::string, std::string>>& changes);

/// A member as `set_configuration` names it.
struct NamedMember {
  std::string name{};
  std::string address{};
  friend bool operator==(const NamedMember&, const NamedMember&) = default;
};

/// "name@host:port", or "name" for a peer of the node at `own_address`. Refuses as `invalid` what
/// is neither, and two members of one name.
Result<std::vector<NamedMember>> parse_members(const std::vector<std::string>& texts,
                                               const std::string& own_address);

}  // namespace troupe::actors
