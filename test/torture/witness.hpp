#pragma once

#include "test/torture/history.hpp"

#include <optional>
#include <string>

namespace troupe::torture {

/// Takes the indexes that came with the answers as the order in which all took effect, and says
/// which answer contradicts it; nothing if none does. Linear but for sorting, so that any history
/// can be checked whole. It holds that
///
///   - every write has an index of its own,
///   - what was called after another operation was answered has no smaller index; a sequential
///     read only for operations of its own client,
///   - a read, of any level, tells what the last write up to its index left, or what a write in
///     doubt may have left since, and so does the answer to a delete.
std::optional<std::string> broken_witness(const Records& records);

/// Without the sequential reads: those that must be linearizable.
std::optional<std::string> broken_linearizability(const Records& records);

}  // namespace troupe::torture
