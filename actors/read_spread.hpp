#pragma once

#include "actors/address.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace troupe::actors {

/// Which peer of a cluster to put the next sequential read to: the one at home if there is one,
/// else one after the other. Reads that are asked for together go together: one message carries
/// them. One that failed is left out for a while, longer each time, until it answers.
class ReadSpread {
public:
  using Time = std::chrono::steady_clock::time_point;

  ReadSpread() = default;
  /// At home is who has the address `home`.
  explicit ReadSpread(const std::vector<FullName>& peers, const std::string& home = {});

  /// Reads in a row that go to one peer. What they save is shared by so many that more of them save
  /// little more, and others could have begun.
  static constexpr std::size_t run_max = 64;

  bool empty() const { return peers_.empty(); }

  /// If all are left out: who will be back first. Requires that some peer is known.
  const FullName& next(Time now);
  /// What is asked for from here on was not asked for together with what was before.
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
