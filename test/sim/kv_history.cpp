#include "test/sim/kv_history.hpp"

#include "core/assert.hpp"

namespace troupe::sim {

std::optional<ObjectState> KvModel::step(ObjectState state, const Operation& operation,
                                         Told told) const {
  const auto fits = [&](KvValue result) {
    return told == Told::nothing || operation.told == result;
  };
  switch (operation.action) {
    case KvOperation::Action::get:
      return fits(state) ? std::optional(state) : std::nullopt;
    case KvOperation::Action::set:
      return operation.value;
    case KvOperation::Action::remove:
      return fits(state != 0 ? 1 : 0) ? std::optional<ObjectState>(0) : std::nullopt;
    case KvOperation::Action::compare: {
      const bool equal = state == operation.expected;
      if (!fits(equal ? 1 : 0))
        return std::nullopt;
      return equal ? operation.value : state;
    }
  }
  TROUPE_ASSERT(false);
  return std::nullopt;
}

namespace {

std::string action_text(const KvOperation& operation) {
  const std::string key = " k" + std::to_string(operation.key);
  switch (operation.action) {
    case KvOperation::Action::get:
      return "get" + key;
    case KvOperation::Action::set:
      return "set" + key + " " + std::to_string(operation.value);
    case KvOperation::Action::remove:
      return "remove" + key;
    case KvOperation::Action::compare:
      return "compare" + key + " " + std::to_string(operation.expected) + "->"
             + std::to_string(operation.value);
  }
  TROUPE_ASSERT(false);
  return "";
}

}  // namespace

std::string text(const KvOperation& operation) {
  std::string out = "client " + std::to_string(operation.client) + " " + action_text(operation);
  const bool in_doubt = operation.interval.is_in_doubt();
  if (!in_doubt && operation.action != KvOperation::Action::set)
    out += " = " + std::to_string(operation.told);
  out += " [" + std::to_string(operation.interval.called.count()) + "us, ";
  out += in_doubt ? "in doubt]" : std::to_string(operation.interval.returned.count()) + "us]";
  return out;
}

std::optional<std::string> broken_history(const std::vector<KvOperation>& history,
                                          const SearchLimits& limits) {
  const Linearizability found = check_history(KvModel{}, history, limits);
  if (found.legality == Legality::legal)
    return std::nullopt;
  if (found.legality == Legality::unknown)
    return "whether the history of " + std::to_string(history.size())
           + " operations is linearizable is unknown after " + std::to_string(found.configurations)
           + " configurations";
  std::string out = "no order explains what clients were told until "
                    + std::to_string(found.broken_at.count()) + "us:";
  for (const std::size_t operation : found.offending)
    out += "\n  " + text(history[operation]);
  return out;
}

}  // namespace troupe::sim
