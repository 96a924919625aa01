#pragma once

#include "actors/runtime/address.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace troupe::actors {

/// Which peer of a cluster gets the next sequential read: the one at home if there is one,
/// otherwise one after the other. Reads that are asked for together go to one peer, in one message.
/// A peer that failed is left out for a while, longer each time, until it answers.
class ReadSpread {
public:
  using Time = std::chrono::steady_clock::time_point;

  ReadSpread() = default;
  /// The peer at the address `home` is at home.
  explicit ReadSpread(const std::vector<FullName>& peers, const std::string& home = {});

  /// Reads in a row that go to one peer. A longer run would save little more, while other peers
  /// could have begun.
  static constexpr std::size_t run_max = 64;

  bool empty() const { return peers_.empty(); }

  /// If all are left out: the one that will be back first. Requires that some peer is known.
  const FullName& next(Time now);
  /// Reads from here on were not asked for together with those before.
  void end_run() { run_left_ = 0; }

  /// Of a thousand reads that fail together the first counts.
  void failed(const FullName& peer, Time now);
  void answered(const FullName& peer);

private:
  struct Peer {
    FullName name{};
    Time back_at{};
    std::chrono::milliseconds rest{};  ///< How long it is left out if it fails once more.
    bool at_home = false;
  };

  Peer* find(const FullName& name);

  std::vector<Peer> peers_{};
  std::size_t last_ = 0;
  std::size_t run_left_ = 0;  ///< Reads that go to the last one, too.
};

}  // namespace troupe::actors
