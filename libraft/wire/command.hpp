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
  /// Fields are set that mean nothing yet: those that the schema reserves, or some that it does not
  /// know. No peer proposes such a command: a later version could read them as a promise that
  /// nobody kept. One that stands in a log all the same (an earlier version let it in) is applied
  /// as if they were not set, by every replica alike.
  bool reserved = false;
};

Bytes encode_command(std::span<const std::uint8_t> payload);

/// `nullopt` if the envelope does not verify. Depends on the bytes alone, so that every replica
/// refuses the same envelopes.
std::optional<CommandView> read_command(const Bytes& envelope);

}  // namespace troupe::wire
