#pragma once

#include "core/entry.hpp"
#include "machine/kind.hpp"
#include "shell/reply.hpp"

namespace troupe::shell {

/// An entry of the log of a peer of `kind`, for people. What can't be decoded, because `kind` is
/// null or the bytes are another kind's, is shown as its size: "(12 bytes)".
ShownEntry shown(const Entry& entry, const machine::Kind* kind);

}  // namespace troupe::shell
