/// The workloads of calls in flight: writes and reads.

#include "test/bench/measure.hpp"

namespace bench {

void run_writes(const Options& options, const Print& print) {
  Stage stage(options, options.nodes);
  stage.bootstrap();
  for (const Pressure pressure : pressures(options))
    print(measure(options, stage, "write", load_for(options, stage, pressure)));
}

void run_reads(const Options& options, const Print& print) {
  using troupe::ReadLevel;
  struct Mix {
    const char* name = nullptr;
    ReadLevel level = ReadLevel::linearizable;
    unsigned writes_percent = 0;
  };
  constexpr Mix mixes[] = {{"read_linearizable", ReadLevel::linearizable, 0},
                           {"read_lease", ReadLevel::lease, 0},
                           {"read_sequential", ReadLevel::sequential, 0},
                           {"mixed_90_10", ReadLevel::linearizable, 10}};
  Stage stage(options, options.nodes);
  stage.bootstrap();
  fill(options, stage, options.keys);
  for (const Mix& mix : mixes)
    for (const Pressure pressure : pressures(options)) {
      LoadOptions load = load_for(options, stage, pressure);
      load.level = mix.level;
      load.writes_percent = mix.writes_percent;
      print(measure(options, stage, mix.name, load));
    }
}

namespace {

/// One row: writes to a cluster of its own.
void run_size(const Options& options, const std::string& name, const Print& print) {
  Stage stage(options, options.nodes);
  stage.bootstrap();
  if (options.keys > Options{}.keys)
    fill(options, stage, options.keys);
  const Pressure pressure{.in_flight = options.in_flight.value_or(64),
                          .clients = options.clients.value_or(1)};
  print(measure(options, stage, name, load_for(options, stage, pressure)));
}

}  // namespace

void run_sizes(const Options& options, const Print& print) {
  Options changed = options;
  for (const std::size_t keys : {1'000UL, 100'000UL, 1'000'000UL}) {
    changed.keys = keys;
    run_size(changed, "keys_" + std::to_string(keys), print);
  }
  changed = options;
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{256}, std::size_t{4} << 10,
                                  std::size_t{64} << 10, std::size_t{1} << 20}) {
    changed.value_bytes = bytes;
    changed.keys = 100;
    run_size(changed, "value_" + std::to_string(bytes), print);
  }
  changed = options;
  for (const std::size_t nodes : {3UL, 5UL}) {
    changed.nodes = nodes;
    run_size(changed, "nodes_" + std::to_string(nodes), print);
  }
}

}  // namespace bench
