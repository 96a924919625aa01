/// What Troupe costs, as a program outside sees it: nodes on loopback, clients that keep them busy,
/// and the time, the processor and the disk that it took. docs/performance.md says how to read it.

#include "shell/exit_signals.hpp"
#include "test/bench/counters.hpp"
#include "test/bench/stage.hpp"
#include "test/bench/targets.hpp"
#include "test/bench/workloads.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

namespace bench {

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {
      {"write", "commands: 1, 64 and 1000 in flight", run_writes},
      {"read", "queries of each level, and 90 of them to 10 commands", run_reads},
      {"connections", "64, 1000 and 2000 connections with one call each, beside an echo",
       run_connections, true},
      {"failover", "a leader under load goes, 20 times by SIGKILL and 20 times in order",
       run_failovers, true},
      {"catch_up", "entries a second into a peer that lags, and into an empty one", run_catch_up,
       true},
      {"restart", "from the start of a node with 1 M entries to its first answer", run_restarts,
       true},
      {"endurance", "20 M commands while the log is cleaned or cut behind", run_endurance, true},
      {"store", "20 M entries into one store, which keeps the last twentieth", run_store, true},
      {"size", "many keys, small and large values, 3 and 5 nodes", run_sizes, true},
      {"busy", "commands beside twice as many threads that spin as there are processors", run_busy,
       true},
      {"hogs", "commands beside ten processes for each processor that want all of it: elections",
       run_hogs, true},
      {"idle", "100 and 1000 peers on each of three nodes, and nothing to do", run_idle, true},
  };
  return all;
}

void say(const std::string& text) {
  std::fprintf(stderr, "bench: %s\n", text.c_str());
}

namespace {

constexpr int exit_usage = 2;

void add_options(CLI::App& app, Options& options, std::string& store, std::string& client) {
  std::vector<std::string> names;
  std::string help = "what to measure:";
  for (const Workload& workload : workloads()) {
    names.push_back(workload.name);
    help += "\n  " + workload.name + ": " + workload.help
            + (workload.is_long ? " (only if named)" : "");
  }
  app.add_option("workload", options.workloads, help)->check(CLI::IsMember(names));
  app.add_flag("--json", options.json, "a line of JSON for each row, instead of the table");
  app.add_option("--nodes", options.nodes, "with one peer each")
      ->check(CLI::IsMember({1, 3, 5}))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "of a round")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "of which the medians are told")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--value", options.value_bytes, "bytes of a value")->capture_default_str();
  app.add_option("--keys", options.keys)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--in-flight", options.in_flight, "calls at a time, in all; 1, 64 and 1000")
      ->check(CLI::PositiveNumber);
  app.add_option("--clients", options.clients, "that share them; 1, and 16 from 1000 on")
      ->check(CLI::PositiveNumber);
  app.add_option("--entries", options.entries, "of restart, catch_up, endurance and store")
      ->check(CLI::PositiveNumber);
  app.add_option("--peers", options.peers, "on each node, of idle; 100 and 1000")
      ->check(CLI::PositiveNumber);
  app.add_option("--cycles", options.cycles, "of failover")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--hogs", options.hogs, "processes, of hogs; 10 for each processor");
  app.add_option("--minutes", options.minutes, "of busy")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--store", store, "memory: nothing is synced, and nothing kept")
      ->check(CLI::IsMember({"lmdb", "memory"}))
      ->capture_default_str();
  app.add_option(
      "--flush-us", options.flush_us,
      "sleeps for so long instead of each flush: disks of their own, with --directory in "
      "memory");
  app.add_option("--client", client, "embedded: the leader lives in the client's process")
      ->check(CLI::IsMember({"remote", "embedded"}))
      ->capture_default_str();
  app.add_flag("--single-process", options.single_process, "all nodes in one, for a profiler");
  app.add_option("--peer-option", options.peer_options, "of every peer, as start_peer takes them")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--directory", options.directory, "on the disk to measure")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
}

void run(const Options& options) {
  if (!options.json) {
    std::printf("%s\n", table_head().c_str());
    std::fflush(stdout);
  }
  std::vector<Row> rows;
  const Print print = [&](const Row& row) {
    rows.push_back(row);
    std::printf("%s\n", (options.json ? to_json(row) : to_table(row)).c_str());
    std::fflush(stdout);
  };
  for (const Workload& workload : workloads()) {
    const bool is_named =
        std::ranges::find(options.workloads, workload.name) != options.workloads.end();
    if (is_named || (options.workloads.empty() && !workload.is_long))
      workload.run(options, print);
  }
  for (const std::string& line : against_targets(rows))
    std::fprintf(options.json ? stderr : stdout, "%s\n", line.c_str());
}

int run(int argc, char** argv) try {
  if (argc > 1 && std::string(argv[1]) == "node")
    return run_node_process(argc - 1, argv + 1);
  Options options{.program = std::filesystem::read_symlink("/proc/self/exe"),
                  .directory = std::filesystem::temp_directory_path()};
  std::string store = "lmdb";
  std::string client = "remote";
  CLI::App app("How fast, and at what cost", "bench");
  add_options(app, options, store, client);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& asked_or_wrong) {
    return app.exit(asked_or_wrong) == 0 ? 0 : exit_usage;
  }
  options.in_memory = store == "memory";
  imitate_flushes(std::chrono::microseconds(options.flush_us));
  options.embedded = client == "embedded";
  const troupe::shell::ExitSignals signals;
  signals.leave_after([] {
    Stage::clear_away();
    say("interrupted; everything is stopped and cleaned up");
  });
  run(options);
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "bench: %s\n", failure.what());
  return 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  return bench::run(argc, argv);
}
