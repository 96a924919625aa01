#pragma once

#include "core/types.hpp"
#include "test/sim/kv_history.hpp"

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::torture {

/// What one client did at one key of a cluster of real processes, and what it was told. Times are
/// those of the one clock that all processes of a machine share.
struct Record {
  sim::KvOperation operation{};
  ReadLevel level = ReadLevel::linearizable;  ///< Of a `get`.
  /// That came with the answer: of a write its entry, of a read what was applied. 0 in doubt, and
  /// of a sequential read at a peer that has applied nothing since it started.
  Index index{};

  bool is_read() const { return operation.action == sim::KvOperation::Action::get; }
  bool is_sequential() const { return is_read() && level == ReadLevel::sequential; }
  bool is_in_doubt() const { return operation.interval.is_in_doubt(); }
};

using Records = std::vector<Record>;

/// One line of JSON, without its end.
std::string to_line(const Record& record);

/// The records of a stream of such lines, or what is wrong in which of them.
std::variant<Records, std::string> read_records(std::istream& in);

/// "client 3 get k1 = 5 [100us, 250us] at index 7, lease"
std::string text(const Record& record);

}  // namespace troupe::torture
