#pragma once

#include "core/engine.hpp"
#include "core/message.hpp"
#include "core/output.hpp"

#include <cstdint>

namespace troupe::sim {

/// Tells the states of engines apart: equal digests, equal future, but for chance. What no future
/// of an explored engine depends on is left out: clocks and deadlines, for the explorer lets time
/// pass as it likes; the dice that deadlines are drawn from; reads, snapshots and cleaning,
/// since it asks for none.
class EngineDigest {
public:
  static std::uint64_t of(const Engine& engine);

private:
  template <class State>
  static std::uint64_t of_role(std::uint64_t digest, const State& state);
};

std::uint64_t digest_of(const Message& message);
std::uint64_t digest_of(const Recovered& disk);

}  // namespace troupe::sim
