#pragma once

#include "core/configuration.hpp"
#include "shell/reply.hpp"
#include "wire/packet.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace troupe::shell {

/// Keeps its keys in the order in which they were added.
using Json = nlohmann::ordered_json;

Json json_of(const Configuration& configuration);
Json json_of(const wire::PeerStatus& status);
/// The fields index, term, kind and payload.
Json json_of(const ShownEntry& entry);

/// On one line. Bytes that are no UTF-8 become U+FFFD: JSON has no other bytes.
std::string on_one_line(const Json& json);

}  // namespace troupe::shell
