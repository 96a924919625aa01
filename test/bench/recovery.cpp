/// What has been away and comes back: a node that starts with a long log, a peer that lags.

#include "test/bench/measure.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

using StartOptions = troupe::shell::Operator::StartOptions;

constexpr std::size_t entries_default = 1'000'000;
constexpr std::size_t lag_default = 200'000;
constexpr auto poll_interval = std::chrono::milliseconds(2);
constexpr auto patience = std::chrono::minutes(2);
/// What goes on while a peer catches up.
constexpr Pressure beside{.in_flight = 8, .clients = 1};

/// Logs that are never cut, so that what is measured is the log.
const StartOptions whole_logs = {{"snapshot_entries", "0"}, {"snapshot_bytes", "0"}};

/// Answers a linearizable query, at last.
void wait_until_serving(const Stage& stage) {
  Load load({.peers = stage.peers(), .writes_percent = 0, .calls_max = 1});
  load.start();
  load.wait();
}

Options in_processes(const Options& options) {
  Options apart = options;
  apart.embedded = false;
  apart.single_process = false;
  return apart;
}

/// What a snapshot covers leaves the log in steps, but for some that followers may want.
void wait_until_cut(Stage& stage) {
  const auto start = Clock::now();
  for (;;) {
    const auto status = stage.ask().status(stage.peers().front());
    if (status.last.index.value
        < status.first.value + troupe::EngineOptions{}.snapshot_keep_entries)
      return;
    if (Clock::now() > start + patience)
      throw std::runtime_error("the log is not cut");
    std::this_thread::sleep_for(poll_interval);
  }
}

void restart_once(const Options& options, bool has_snapshot, const Print& print) {
  const std::size_t entries = options.entries.value_or(entries_default);
  Stage stage(options, 1);
  stage.bootstrap(whole_logs);
  fill(options, stage, entries);
  if (has_snapshot) {
    const auto taken = stage.ask().ask(
        stage.peers().front(), {.body = troupe::wire::TakeSnapshot{}}, std::chrono::minutes(1));
    if (taken.refusal != troupe::Refusal::none)
      throw std::runtime_error("no snapshot: " + taken.detail);
    wait_until_cut(stage);
  }
  Row row = row_for(options, has_snapshot ? "restart_snapshot" : "restart_log", 0);
  for (std::size_t i = 0; i < options.rounds; ++i) {
    stage.stop(0);
    const auto start = Clock::now();
    stage.start(0);
    wait_until_serving(stage);
    const double seconds = seconds_since(start);
    const Usage usage = stage.usage();
    Figures figures;
    figures["serving_after_s"] = seconds;
    figures["ops_per_s"] = static_cast<double>(entries) / seconds;
    figures["cpu_us_per_op"] = usage.cpu_us / static_cast<double>(entries);
    figures["rss_mb"] = static_cast<double>(usage.rss_bytes) / 1e6;
    figures["disk_mb"] = static_cast<double>(stage.disk_bytes(0)) / 1e6;
    say(row.workload + ": serving after " + std::to_string(seconds) + " s");
    row.rounds.push_back(std::move(figures));
  }
  print(row);
}

/// Entries a second that `peer` gains until it has what the leader had committed at the start.
Figures catch_up_of(Stage& stage, const std::string& peer, Clock::time_point start,
                    std::size_t first_entries) {
  const troupe::Index goal = stage.ask().status(stage.ask().leader()).commit;
  while (stage.ask().status(peer).applied < goal) {
    if (Clock::now() > start + patience)
      throw std::runtime_error(peer + " does not catch up");
    std::this_thread::sleep_for(poll_interval);
  }
  const double seconds = seconds_since(start);
  return {{"ops_per_s", static_cast<double>(goal.value - first_entries) / seconds},
          {"caught_up_after_s", seconds}};
}

/// A follower that was away while the others went on. Writes go on while it catches up.
Figures catch_up_lagging(const Options& options, std::size_t entries) {
  Stage stage(options, 3);
  stage.bootstrap(whole_logs);
  const std::size_t follower = (stage.leader() + 1) % stage.size();
  const troupe::Index had = stage.ask().status(stage.peers()[follower]).applied;
  stage.kill(follower);
  fill(options, stage, entries);
  Load load(load_for(options, stage, beside));
  load.start();
  stage.start(follower);
  // A process needs a moment to start, which is not what is asked here.
  stage.ask().wait_for_node(troupe::shell::address_of(stage.peers()[follower]));
  return catch_up_of(stage, stage.peers()[follower], Clock::now(), had.value);
}

/// A peer that joins with an empty log.
Figures catch_up_empty(const Options& options, std::size_t entries) {
  Stage stage(options, 3);
  const std::vector<std::string>& peers = stage.peers();
  for (const std::string& peer : peers)
    stage.ask().start_peer(peer, "kv_store", whole_logs);
  stage.ask().set_configuration({peers[0], peers[1]});
  (void)stage.ask().leader();
  fill(options, stage, entries);
  Load load(load_for(options, stage, beside));
  load.start();
  const auto start = Clock::now();
  stage.ask().set_configuration(peers, std::chrono::minutes(1));
  return catch_up_of(stage, peers[2], start, 0);
}

}  // namespace

void run_restarts(const Options& options, const Print& print) {
  const Options apart = in_processes(options);
  restart_once(apart, false, print);
  restart_once(apart, true, print);
}

void run_catch_up(const Options& options, const Print& print) {
  const Options apart = in_processes(options);
  const std::size_t entries = options.entries.value_or(lag_default);
  struct Way {
    const char* name = nullptr;
    Figures (*run)(const Options&, std::size_t) = nullptr;
  };
  for (const Way way :
       {Way{"catch_up_lagging", catch_up_lagging}, Way{"catch_up_empty", catch_up_empty}}) {
    Row row = row_for(apart, way.name, beside.in_flight);
    for (std::size_t i = 0; i < options.rounds; ++i) {
      row.rounds.push_back(way.run(apart, entries));
      say(std::string(way.name) + ": " + std::to_string(row.rounds.back()["ops_per_s"]) + "/s");
    }
    print(row);
  }
}

}  // namespace bench
