#pragma once

#include "test/sim/events.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace troupe::sim {

/// What clients who took tickets, or asked how many were taken, were told: the next number each, to
/// one of them, once. It trusts no index and no term. All is judged as it is told, since time in
/// the simulator passes in one order.
class Tickets {
public:
  /// The client asks. Requires: the request is for a ticket, or a read of how many there are.
  void called(const Request& request, std::uint64_t counter);
  /// Why that cannot be, if it cannot.
  std::optional<std::string> answered(const Answer& answer);

private:
  struct Counter {
    std::uint64_t asked = 0;     ///< Tickets that may have been taken by now...
    std::uint64_t answered = 0;  ///< ...and those that were, for certain.
    std::uint64_t highest = 0;   ///< That anybody was told of.
    std::set<std::uint64_t> taken{};
  };
  struct Call {
    std::uint64_t counter = 0;
    bool takes = false;
    std::uint64_t least = 0;  ///< What must have been taken before it.
  };

  std::map<std::uint64_t, Counter> counters_{};
  std::map<std::pair<std::size_t, std::uint64_t>, Call> calls_{};  ///< By client and operation.
};

}  // namespace troupe::sim
