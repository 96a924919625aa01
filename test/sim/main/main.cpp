#include "test/sim/cluster.hpp"
#include "test/sim/main/workers.hpp"
#include "test/sim/swarm.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>

// Searches seeds for a run that breaks a promise, or replays one.

namespace {

using namespace troupe::sim;

/// Below so many seeds a mark that was not hit says nothing.
constexpr std::uint64_t seeds_for_all_marks = 1000;

struct Arguments {
  Batch batch{.from = 1, .seeds = 1000};
  std::optional<std::uint64_t> seed{};
  bool trace = false;
  bool json = false;
};

int replay(const Arguments& arguments) {
  std::cout << describe(draw_swarm(*arguments.seed)) << std::flush;
  const Verdict verdict = run_seed(*arguments.seed, arguments.trace ? &std::cout : nullptr);
  std::cout << "events=" << verdict.events << " digest=" << std::hex << verdict.digest << std::dec
            << " simulated_us=" << verdict.simulated.count() << '\n'
            << (verdict.violation ? "VIOLATION " + *verdict.violation : "ok") << '\n';
  return verdict.violation ? 1 : 0;
}

void print_json(const BatchResult& result) {
  std::cout << "{\"seeds\":" << result.seeds << ",\"violations\":" << result.violations.size()
            << ",\"seconds\":" << result.seconds << ",\"marks_missing\":[";
  const char* separator = "";
  for (const Mark mark : result.marks.missing()) {
    std::cout << separator << '"' << name(mark) << '"';
    separator = ",";
  }
  std::cout << "]}" << std::endl;
}

int search(const Arguments& arguments) {
  const BatchResult result = run_batch(arguments.batch, [&](const BatchResult& so_far) {
    if (!arguments.json)
      std::fprintf(stderr, "%llu of %llu seeds, %.0f a second, %zu violations\n",
                   static_cast<unsigned long long>(so_far.seeds),
                   static_cast<unsigned long long>(arguments.batch.seeds),
                   static_cast<double>(so_far.seeds) / so_far.seconds, so_far.violations.size());
  });
  std::cout << result.seeds << " seeds from " << arguments.batch.from << " in " << result.seconds
            << " s: " << result.events << " events, " << result.simulated_s
            << " simulated seconds, " << result.violations.size() << " violations\n";
  for (std::size_t i = 0; i < marks_count; ++i)
    std::cout << "  " << name(static_cast<Mark>(i)) << ' '
              << result.marks.count(static_cast<Mark>(i)) << '\n';
  for (const std::uint64_t seed : result.violations)
    std::cout << "failed: ./dev sim --seed " << seed << '\n';
  const bool blind =
      arguments.batch.seeds >= seeds_for_all_marks && !result.marks.missing().empty();
  if (blind)
    std::cout << "failed: some marks were never hit\n";
  if (arguments.json)
    print_json(result);
  return result.violations.empty() && !blind ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Runs simulated clusters, one for each seed."};
  app.add_option("--seeds", arguments.batch.seeds, "how many seeds to run");
  app.add_option("--from", arguments.batch.from, "the first seed");
  app.add_option("--jobs", arguments.batch.jobs, "processes that share the work")
      ->check(CLI::Range(1U, 256U));
  app.add_option("--seed", arguments.seed, "run this one seed and print its parameters");
  app.add_flag("--trace", arguments.trace, "with --seed: print what happens");
  app.add_flag("--json", arguments.json, "print the result as JSON in the last line");
  CLI11_PARSE(app, argc, argv);
  return arguments.seed ? replay(arguments) : search(arguments);
}
