/// A leader that goes, by SIGKILL or in order, under load.

#include "test/bench/measure.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

constexpr std::size_t in_flight = 64;
constexpr auto settle = std::chrono::milliseconds(500);
constexpr auto patience = std::chrono::seconds(15);

struct Outage {
  /// The longest time without an acknowledgement between the blow and the first write that another
  /// leader acknowledges. A leader that stops in order may serve on for a moment.
  std::uint64_t pause_ns = 0;
  std::uint64_t successor_ns = 0;    ///< From the blow to that write.
  std::uint64_t longest_gap_ns = 0;  ///< Between two acknowledgements, until half a second later.
};

std::uint64_t nanoseconds(Clock::duration duration) {
  return static_cast<std::uint64_t>(
      std::max<Clock::duration::rep>(std::chrono::nanoseconds(duration).count(), 0));
}

/// Waits until writes have gone on for a while behind `since`, with another leader.
Outage outage_since(Load& load, Clock::time_point since) {
  while (load.last_answer() < since + settle || !load.succession()) {
    if (Clock::now() > since + patience)
      throw std::runtime_error("no write was acknowledged after the leader went");
    std::this_thread::sleep_for(settle / 10);
  }
  const Pause longest = load.take_pause();
  const Succession succession = load.succession().value();
  return {
      .pause_ns = nanoseconds(succession.pause.to - succession.pause.from),
      .successor_ns = nanoseconds(succession.at - since),
      .longest_gap_ns = nanoseconds(longest.to - longest.from),
  };
}

void run_one_way(const Options& options, bool is_kill, const Print& print) {
  Stage stage(options, std::max<std::size_t>(options.nodes, 3));
  stage.bootstrap();
  Row row = row_for(options, is_kill ? "failover_kill" : "failover_stop", in_flight);
  Load load(load_for(options, stage, {.in_flight = in_flight, .clients = 1}));
  Histogram pauses;
  Histogram successors;
  Histogram gaps;
  load.start();
  std::this_thread::sleep_for(settle);
  const auto start = Clock::now();
  (void)load.take();
  for (std::size_t i = 0; i < options.cycles; ++i) {
    const std::size_t leader = stage.leader();
    load.expect_successor(stage.peers()[leader]);
    const auto blow = Clock::now();
    if (is_kill)
      stage.kill(leader);
    else
      stage.stop(leader);
    const Outage outage = outage_since(load, blow);
    pauses.add(outage.pause_ns);
    successors.add(outage.successor_ns);
    gaps.add(outage.longest_gap_ns);
    say(row.workload + " " + std::to_string(i + 1) + " of " + std::to_string(options.cycles)
        + ": no answer for " + std::to_string(outage.pause_ns / 1'000'000)
        + " ms, the next leader's after " + std::to_string(outage.successor_ns / 1'000'000)
        + " ms, longest gap " + std::to_string(outage.longest_gap_ns / 1'000'000) + " ms");
    stage.start(leader);
    stage.ask().wait_for_node(troupe::shell::address_of(stage.peers()[leader]));
    stage.ask().wait_until_caught_up(stage.peers()[leader]);
  }
  Figures figures;
  add_times(figures, pauses);
  figures["ops_per_s"] = static_cast<double>(load.take().count()) / seconds_since(start);
  figures["successor_p50_us"] = static_cast<double>(successors.quantile(0.5)) / 1000;
  figures["successor_max_us"] = static_cast<double>(successors.max()) / 1000;
  figures["longest_gap_p50_us"] = static_cast<double>(gaps.quantile(0.5)) / 1000;
  figures["longest_gap_p99_us"] = static_cast<double>(gaps.quantile(0.99)) / 1000;
  figures["longest_gap_max_us"] = static_cast<double>(gaps.max()) / 1000;
  figures["calls_in_doubt"] = static_cast<double>(load.failed());
  add(figures, measure_floors(stage.directory()));
  row.rounds.push_back(std::move(figures));
  load.stop();
  print(row);
}

}  // namespace

void run_failovers(const Options& options, const Print& print) {
  Options apart = options;  // A node that is killed can't live in our process.
  apart.embedded = false;
  apart.single_process = false;
  run_one_way(apart, true, print);
  run_one_way(apart, false, print);
}

}  // namespace bench
