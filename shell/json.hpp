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

/// On one line. JSON has no bytes: a field whose string is not UTF-8 is replaced by one with the
/// name's end `_base64`, as {"value_base64":"/w=="}; an element of an array by {"base64":"/w=="}.
/// What would control a terminal is escaped.
std::string on_one_line(const Json& json);

}  // namespace troupe::shell
