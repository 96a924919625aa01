#pragma once

#include "core/engine.hpp"
#include "core/output.hpp"
#include "test/sim/dice.hpp"
#include "test/sim/swarm.hpp"

#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::sim {

/// One step of a log on disk. The simulator's own reading of `Write`: it does not share
/// the product's, so that a mistake is not made twice.
void apply(const Write& write, Recovered& durable);

/// A peer's store: it works off one transaction after the other, and loses in a crash what it
/// has not finished.
class Disk {
public:
  Disk(const DiskSwarm& swarm, Dice dice) : swarm_(swarm), dice_(dice) {}

  void submit(Write write) { queue_.push_back(std::move(write)); }

  /// If the store is idle and something waits: starts a transaction, and says how long it takes.
  std::optional<Duration> begin();

  /// The transaction is durable. Returns what was in it.
  std::vector<Write> finish();

  /// How long after `finish` the peer hears of it.
  Duration notice_delay() { return dice_.between(Duration{0}, swarm_.notice_max); }

  /// The process dies. What waits is lost; of what was being written, all is durable or nothing.
  /// Returns what became durable and what was lost.
  struct Crash {
    std::vector<Write> survived{};
    std::vector<Write> lost{};
  };
  Crash crash();

  /// A full disk begins nothing, and finishes what it has begun. It stays full over a crash.
  void fill() { full_ = true; }
  void make_room() { full_ = false; }
  bool is_full() const { return full_; }

  /// It holds what it held when `copy` was made. Requires that it is idle.
  void set_back(Recovered copy) { durable_ = std::move(copy); }

  const Recovered& durable() const { return durable_; }
  bool idle() const { return working_.empty() && queue_.empty(); }
  void heal();

private:
  DiskSwarm swarm_;
  Dice dice_;
  std::deque<Write> queue_{};
  std::vector<Write> working_{};
  Recovered durable_{};
  bool full_ = false;
};

}  // namespace troupe::sim
