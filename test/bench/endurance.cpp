/// A store that is appended to at one end and cut at the other for a long time.

#include "test/bench/measure.hpp"

#include <thread>

namespace bench {
namespace {

constexpr std::size_t entries_default = 20'000'000;
constexpr std::size_t parts = 10;
constexpr auto poll_interval = std::chrono::milliseconds(5);

}  // namespace

void run_endurance(const Options& options, const Print& print) {
  const std::size_t entries = options.entries.value_or(entries_default);
  const Pressure pressure{.in_flight = options.in_flight.value_or(1000),
                          .clients = options.clients.value_or(16)};
  Stage stage(options, options.nodes);
  stage.bootstrap();
  const Floors floors = measure_floors(stage.directory());
  Load load(load_for(options, stage, pressure));
  load.start();
  double first_p99 = 0;
  for (std::size_t part = 1; part <= parts; ++part) {
    const Usage before = stage.usage();
    const auto start = Clock::now();
    while (load.answered() < entries * part / parts)
      std::this_thread::sleep_for(poll_interval);
    const Histogram times = load.take();
    Figures figures =
        figures_of(times, seconds_since(start), between(before, stage.usage()), Usage{});
    add(figures, floors);
    if (part == 1)
      first_p99 = figures["p99_us"];
    figures["p99_to_first"] = figures["p99_us"] / first_p99;
    figures["disk_mb"] = static_cast<double>(stage.disk_bytes(0)) / 1e6;
    Row row = row_for(options, "endurance_" + std::to_string(part), pressure.in_flight);
    row.rounds.push_back(std::move(figures));
    print(row);
  }
  load.stop();
}

}  // namespace bench
