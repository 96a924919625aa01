#pragma once

#include "test/bench/options.hpp"
#include "test/bench/row.hpp"

#include <functional>
#include <string>
#include <vector>

namespace bench {

using Print = std::function<void(const Row&)>;

struct Workload {
  std::string name{};
  std::string help{};
  void (*run)(const Options&, const Print&) = nullptr;
  bool is_long = false;  ///< Runs only when it is named.
};

/// All of them, in the order in which they run.
const std::vector<Workload>& workloads();

void run_writes(const Options& options, const Print& print);
void run_reads(const Options& options, const Print& print);
void run_sizes(const Options& options, const Print& print);
void run_connections(const Options& options, const Print& print);
void run_failovers(const Options& options, const Print& print);
void run_restarts(const Options& options, const Print& print);
void run_catch_up(const Options& options, const Print& print);
void run_endurance(const Options& options, const Print& print);
void run_store(const Options& options, const Print& print);
void run_busy(const Options& options, const Print& print);
void run_hogs(const Options& options, const Print& print);
void run_idle(const Options& options, const Print& print);

/// Progress, on stderr.
void say(const std::string& text);

}  // namespace bench
