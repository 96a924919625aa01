/// Nodes that share their processors with others, who want all of them.

#include "test/bench/measure.hpp"

#include <algorithm>
#include <thread>

namespace bench {
namespace {

constexpr unsigned spinners_per_core = 2;
constexpr auto progress_interval = std::chrono::seconds(30);

/// Threads that do nothing, as fast as they can.
class Spinners {
public:
  Spinners() {
    const unsigned count = std::max(std::thread::hardware_concurrency(), 1U) * spinners_per_core;
    for (unsigned i = 0; i < count; ++i)
      threads_.emplace_back([](const std::stop_token& stop) {
        while (!stop.stop_requested())
          ;
      });
  }

private:
  std::vector<std::jthread> threads_{};
};

/// The highest that any peer knows of: each election begins one.
troupe::Term term_of(Stage& stage) {
  troupe::Term highest{};
  for (const std::string& peer : stage.peers())
    highest = std::max(highest, stage.ask().status(peer).term);
  return highest;
}

Clock::duration minutes(double count) {
  return std::chrono::round<Clock::duration>(
      std::chrono::duration<double, std::chrono::minutes::period>(count));
}

void wait_with_progress(const std::string& what, Clock::time_point start, Clock::time_point end,
                        const Load& load) {
  while (Clock::now() < end) {
    std::this_thread::sleep_until(std::min(end, Clock::now() + progress_interval));
    say(what + ": " + std::to_string(load.answered()) + " answers in "
        + std::to_string(static_cast<long>(seconds_since(start))) + " s");
  }
}

}  // namespace

void run_busy(const Options& options, const Print& print) {
  Options apart = options;  // The threads that spin share no process with a node.
  apart.embedded = false;
  apart.single_process = false;
  const std::size_t in_flight = options.in_flight.value_or(64);
  Stage stage(apart, apart.nodes);
  stage.bootstrap();
  Row row = row_for(apart, "busy", in_flight);
  const Floors floors = measure_floors(stage.directory());
  Load load(load_for(apart, stage, {.in_flight = in_flight, .clients = 1}));
  load.start();

  const Spinners spinners;
  const troupe::Term first = term_of(stage);
  (void)load.take();
  (void)load.take_pause();
  const Usage before = stage.usage();
  const auto start = Clock::now();
  wait_with_progress(row.workload, start, start + minutes(options.minutes), load);
  const Histogram times = load.take();
  const Pause longest = load.take_pause();
  Figures figures =
      figures_of(times, seconds_since(start), between(before, stage.usage()), Usage{});
  figures["elections"] = static_cast<double>(term_of(stage).value - first.value);
  figures["longest_gap_us"] =
      std::chrono::duration<double, std::micro>(longest.to - longest.from).count();
  figures["calls_in_doubt"] = static_cast<double>(load.failed());
  add(figures, floors);
  row.rounds.push_back(std::move(figures));
  load.stop();
  print(row);
}

}  // namespace bench
