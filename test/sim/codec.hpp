#pragma once

#include "core/message.hpp"

#include <string>

namespace troupe::sim {

/// Why a connection that carried `message` would be closed by the one who receives it: no engine
/// may send what the wire room takes for nonsense. Empty if it arrives as it was sent.
std::string refused_by_codec(const Message& message);

}  // namespace troupe::sim
