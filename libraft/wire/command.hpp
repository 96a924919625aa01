#pragma once

#include "core/bytes.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace troupe::wire {

/// What a command entry holds: the resource's bytes in an envelope that is built once, by the
/// client, and then travels through frame, log, store and dispatch without being built again.
struct CommandView {
  /// Lies inside the envelope, at a multiple of eight from its start: a resource can read a
  /// FlatBuffer in place.
  std::span<const std::uint8_t> payload{};
};

Bytes encode_command(std::span<const std::uint8_t> payload);

/// `nullopt` if the envelope does not verify. Depends on the bytes alone, so that every replica
/// refuses the same envelopes.
std::optional<CommandView> read_command(const Bytes& envelope);

}  // namespace troupe::wire
