#include "test/sim/history.hpp"

#include "test/sim/state.hpp"

#include <set>

namespace troupe::sim {

namespace {

/// Of longer runs the beginning is judged.
constexpr std::size_t operations_max = 4000;

/// Where more would have to be searched the history shows nothing; there are many others.
constexpr SearchLimits limits{.configurations_max = 1 << 14, .steps_max = 400'000};

}  // namespace

KvValue History::number_of(std::uint64_t value) {
  return value == 0 ? 0 : numbers_.try_emplace(value, numbers_.size() + 1).first->second;
}

void History::called(const Request& request, Time now) {
  if (operations_.size() >= operations_max
      || (request.commands.empty() && request.level == ReadLevel::sequential))
    return;
  Asked& asked = asked_[{request.client, request.operation}];
  asked.first = operations_.size();
  const auto add = [&](KvOperation operation) {
    operation.interval.called = now;
    operation.client = request.client;
    operations_.push_back(operation);
    // A read that is never answered claims nothing.
    dropped_.push_back(operation.action == KvOperation::Action::get);
  };
  if (request.commands.empty())
    add({.key = request.key, .action = KvOperation::Action::get});
  for (const std::string& command : request.commands) {
    const Effect effect = effect_of(command);
    add({.key = effect.key, .action = KvOperation::Action::set, .value = number_of(effect.value)});
  }
  asked.count = operations_.size() - asked.first;
}

void History::answered(const Answer& answer, Time now) {
  const auto found = asked_.find({answer.client, answer.operation});
  if (found == asked_.end())
    return;
  const Asked asked = found->second;
  asked_.erase(found);
  KvOperation& first = operations_[asked.first];
  if (first.action == KvOperation::Action::get) {
    // What it saw may have been written since the recording ended.
    if (answer.outcome != Outcome::done || operations_.size() >= operations_max)
      return;
    first.interval.returned = now;
    first.told = number_of(answer.value);
    dropped_[asked.first] = false;
    return;
  }
  // Of many commands that were refused together, some may have happened.
  if (answer.outcome == Outcome::refused && asked.count == 1)
    dropped_[asked.first] = true;
  if (answer.outcome != Outcome::done)
    return;
  for (std::size_t i = asked.first; i < asked.first + asked.count; ++i)
    operations_[i].interval.returned = now;
}

std::optional<std::string> History::violation(Marks& marks) const {
  std::set<std::pair<std::uint64_t, KvValue>> seen;
  for (std::size_t i = 0; i < operations_.size(); ++i)
    if (operations_[i].action == KvOperation::Action::get && !dropped_[i])
      seen.insert({operations_[i].key, operations_[i].told});
  std::vector<KvOperation> judged;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const KvOperation& operation = operations_[i];
    const bool doubtful = operation.interval.is_in_doubt();
    const bool was_seen = seen.contains({operation.key, operation.value});
    // What is in doubt and was not seen need not have happened.
    if (dropped_[i] || (doubtful && !was_seen))
      continue;
    if (doubtful)
      marks.hit(Mark::history_doubt_read);
    judged.push_back(operation);
  }
  const Linearizability found = check_history(KvModel{}, judged, limits);
  if (found.legality == Legality::legal)
    marks.hit(Mark::history_checked);
  return found.legality == Legality::illegal ? broken_history(judged, limits) : std::nullopt;
}

}  // namespace troupe::sim
