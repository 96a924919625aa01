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

}  // namespace bench
