#include "test/bench/measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

constexpr double warm_up_part = 0.5;
constexpr double warm_up_max_s = 1;

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

Usage own_usage(const Stage& stage) {
  // What lives in our process is counted as the nodes', with the client.
  return stage.shares_our_process() ? Usage{} : usage_of(::getpid(), &own_counters());
}

}  // namespace

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<Pressure> pressures(const Options& options) {
  std::vector<Pressure> all = {{1, 1}, {64, 1}, {1000, 16}};
  if (options.in_flight)
    all = {{*options.in_flight, *options.in_flight >= 1000 ? std::size_t{16} : std::size_t{1}}};
  if (options.embedded)  // One for the whole program is what one would have.
    for (Pressure& pressure : all)
      pressure.clients = 1;
  if (options.clients)
    for (Pressure& pressure : all)
      pressure.clients = std::min(*options.clients, pressure.in_flight);
  return all;
}

LoadOptions load_for(const Options& options, const Stage& stage, Pressure pressure) {
  return {.peers = stage.peers(),
          .embedded_in = options.embedded ? stage.inside() : nullptr,
          .in_flight = pressure.in_flight,
          .clients = pressure.clients,
          .value_bytes = options.value_bytes,
          .keys = options.keys};
}

Row row_for(const Options& options, const std::string& workload, std::size_t in_flight) {
  return {.workload = workload,
          .in_flight = in_flight,
          .client = options.embedded ? "embedded" : "remote"};
}

Row measure(const Options& options, Stage& stage, const std::string& workload,
            const LoadOptions& load_options) {
  Row row = row_for(options, workload, load_options.in_flight);
  const Floors floors = measure_floors(stage.directory());
  Load load(load_options);
  load.start();
  sleep_for(std::min(warm_up_part * options.seconds, warm_up_max_s));
  for (std::size_t i = 0; i < options.rounds; ++i) {
    stage.lead_from_inside();
    (void)load.take();
    const Usage nodes = stage.usage();
    const Usage ours = own_usage(stage);
    const auto start = Clock::now();
    sleep_for(options.seconds);
    const Histogram times = load.take();
    const double seconds = seconds_since(start);
    Figures figures =
        figures_of(times, seconds, between(nodes, stage.usage()), between(ours, own_usage(stage)));
    add(figures, floors);
    if (load_options.in_flight == 1) {
      figures["p50_to_floor"] = figures["p50_us"] / (floors.fdatasync_us + floors.rtt_us);
      figures["fdatasync_of_three_us"] = floors.fdatasync_of_three_us;
    }
    char text[160];
    std::snprintf(text, sizeof text, "%s, %zu in flight, round %zu of %zu: %.0f/s, p50 %.0f us",
                  workload.c_str(), load_options.in_flight, i + 1, options.rounds,
                  figures["ops_per_s"], figures["p50_us"]);
    say(text);
    row.rounds.push_back(std::move(figures));
  }
  load.stop();
  if (load.failed() > 0)
    say(std::to_string(load.failed()) + " calls were refused or in doubt, and tried again");
  return row;
}

void fill(const Options& options, Stage& stage, std::size_t keys) {
  LoadOptions load_options = load_for(options, stage, {.in_flight = 1000, .clients = 4});
  load_options.keys = keys;
  load_options.keys_in_turn = true;
  load_options.calls_max = keys;
  Load load(load_options);
  const auto start = Clock::now();
  load.start();
  load.wait();
  say("wrote " + std::to_string(keys) + " keys in " + std::to_string(seconds_since(start)) + " s");
}

}  // namespace bench
