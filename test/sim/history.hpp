#pragma once

#include "test/sim/events.hpp"
#include "test/sim/kv_history.hpp"
#include "test/sim/marks.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

/// What clients asked and were told, in their own words: no index and no term of any peer is in it.
/// All that promises to be linearizable is recorded, and judged when the run is over.
class History {
public:
  /// The client sends what it is at.
  void called(const Request& request, Time now);
  /// It is told what became of it. What it has given up waiting for stays in doubt.
  void answered(const Answer& answer, Time now);

  /// Why no single copy could have answered like this, if none could.
  std::optional<std::string> violation(Marks& marks) const;

  std::size_t size() const { return operations_.size(); }

private:
  struct Asked {
    std::size_t first = 0;  ///< Of `operations_`.
    std::size_t count = 0;
  };

  KvValue number_of(std::uint64_t value);

  std::vector<KvOperation> operations_{};
  std::map<std::pair<std::size_t, std::uint64_t>, Asked> asked_{};
  std::map<std::uint64_t, KvValue> numbers_{};  ///< Values as they are told, in few digits.
  std::vector<bool> dropped_{};  ///< Says nothing: refused, or a read without answer.
};

}  // namespace troupe::sim
