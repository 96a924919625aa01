#pragma once

#include "core/output.hpp"
#include "core/snapshot.hpp"
#include "test/sim/dice.hpp"
#include "test/sim/state.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// A state as bytes, and `padding` more that only weigh. Two with another `salt` differ.
std::string save(const State& state, std::size_t padding, std::uint64_t salt);
/// Nothing if `bytes` were not saved by `save`.
std::optional<State> load(const std::string& bytes);

/// A peer's snapshots on its disk. They outlive a crash; what is being received may lose its end.
class Snapshots {
public:
  /// A snapshot of our own, durable from here on.
  SnapshotHead finish(const SnapshotPlace& place, std::string bytes);

  struct Receipt {
    std::uint64_t upto = 0;
    bool corrupt = false;
  };
  Receipt receive(const ChunkToStore& chunk);

  /// The bytes of a finished one, damaged or not; null if it is not there.
  const std::string* find(const SnapshotId& id) const;
  bool is_sound(const SnapshotId& id) const;
  /// The finished ones that cover less than `id` are needed no more.
  void forget_before(const SnapshotId& id);
  /// How much of the one that is being received is here.
  std::size_t received() const { return receiving_ ? receiving_->bytes.size() : 0; }

  void crash(Dice& dice);
  /// Changes a byte of a finished one, or loses it. False if it is not there.
  bool damage(const SnapshotId& id, Dice& dice);
  /// Changes a byte of what is being received. False if there is none.
  bool damage_received(Dice& dice);

private:
  struct Stored {
    SnapshotHead head{};
    std::string bytes{};
  };
  Stored* stored(const SnapshotId& id);

  std::vector<Stored> finished_{};
  std::optional<Stored> receiving_{};
};

}  // namespace troupe::sim
