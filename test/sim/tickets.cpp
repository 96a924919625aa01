#include "test/sim/tickets.hpp"

#include <algorithm>

namespace troupe::sim {

void Tickets::called(const Request& request, std::uint64_t counter) {
  Counter& known = counters_[counter];
  const bool takes = !request.commands.empty();
  calls_[{request.client, request.operation}] = {
      .counter = counter, .takes = takes, .least = std::max(known.highest, known.answered)};
  known.asked += takes ? 1 : 0;
}

std::optional<std::string> Tickets::answered(const Answer& answer) {
  const auto found = calls_.find({answer.client, answer.operation});
  if (found == calls_.end())
    return std::nullopt;
  const Call call = found->second;
  calls_.erase(found);
  Counter& known = counters_[call.counter];
  if (answer.outcome == Outcome::refused && call.takes)
    --known.asked;  // It did not happen, and never will.
  if (answer.outcome != Outcome::done)
    return std::nullopt;
  const std::uint64_t told = answer.value;
  const std::string what = "client " + std::to_string(answer.client) + " is told "
                           + std::to_string(told)
                           + (call.takes ? " as its ticket" : " as the number of tickets");
  if (told < call.least + (call.takes ? 1 : 0))
    return what + ", and " + std::to_string(call.least) + " were taken before it asked";
  if (told > known.asked)
    return what + ", and no more than " + std::to_string(known.asked) + " were asked for";
  if (call.takes && !known.taken.insert(told).second)
    return what + ", which another has";
  known.highest = std::max(known.highest, told);
  known.answered += call.takes ? 1 : 0;
  return std::nullopt;
}

}  // namespace troupe::sim
