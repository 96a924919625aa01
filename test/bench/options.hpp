#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// What the command line says. What is not set is up to the workload.
struct Options {
  std::string program{};                 ///< Ourselves: what node processes run.
  std::vector<std::string> workloads{};  ///< Empty: all but the long ones.
  bool json = false;
  std::size_t nodes = 3;
  double seconds = 2;  ///< Of one measured round.
  std::size_t rounds = 3;
  std::size_t value_bytes = 256;
  std::size_t keys = 10'000;
  std::optional<std::size_t> in_flight{};
  std::optional<std::size_t> clients{};
  std::optional<std::size_t> entries{};     ///< Of restart, catch_up, endurance, store.
  std::optional<std::size_t> peers{};       ///< Of idle.
  std::optional<std::size_t> hogs{};        ///< Processes, of hogs.
  std::size_t cycles = 20;                  ///< Of failover.
  double minutes = 10;                      ///< Of busy.
  unsigned flush_us = 0;                    ///< A sleep of so long for each flush; 0: a flush.
  bool in_memory = false;                   ///< `--store memory`: nothing is synced.
  bool embedded = false;                    ///< The client lives in the leader's process.
  bool single_process = false;              ///< All nodes live in ours: for profilers.
  std::vector<std::string> peer_options{};  ///< "name=value", as `start_peer` takes them.
  std::string log_level = "warning";        ///< Of node processes.
  std::string directory{};                  ///< Where the nodes keep their logs.
};

}  // namespace bench
