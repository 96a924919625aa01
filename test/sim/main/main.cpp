#include "test/sim/cluster.hpp"
#include "test/sim/main/child.hpp"
#include "test/sim/main/explore.hpp"
#include "test/sim/main/mutants.hpp"
#include "test/sim/main/workers.hpp"
#include "test/sim/shrink.hpp"
#include "test/sim/swarm.hpp"
#include "test/sim/variation.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

// Searches seeds for a run that breaks a promise, or replays one.

namespace {

using namespace troupe::sim;

/// Below so many seeds a mark that was not hit says nothing.
constexpr std::uint64_t seeds_for_all_marks = 1000;
/// Of the seeds that fail, so many are made small enough to be read. The rest is often the same.
constexpr std::size_t shrunk_max = 2;

/// What tests run on every change.
constexpr std::uint64_t seeds_for_mutants = 3000;

struct Arguments {
  Batch batch{.from = 1, .seeds = 1000};
  MutantArguments mutants{};
  ExploreArguments explore{};
  std::optional<std::uint64_t> seed{};
  Variation variation{};
  bool trace = false;
  bool shrink = false;
  bool json = false;
};

int replay(const Arguments& arguments) {
  const Swarm swarm =
      vary(draw_swarm(*arguments.seed, arguments.batch.extent), arguments.variation);
  std::cout << describe(swarm) << std::flush;
  const Verdict verdict = run_swarm(swarm, arguments.trace ? &std::cout : nullptr);
  std::cout << "events=" << verdict.events << " digest=" << std::hex << verdict.digest << std::dec
            << " simulated_us=" << verdict.simulated.count() << '\n'
            << (verdict.violation ? "VIOLATION " + *verdict.violation : "ok") << '\n';
  return verdict.violation ? 1 : 0;
}

std::string more_options(Extent extent) {
  return (extent == Extent::plain ? " --plain" : "") + mutant_option();
}

/// Prints the one command that replays what is left of a failing seed.
bool print_shrunk(std::uint64_t seed, Extent extent) {
  const auto shrunk = shrink(draw_swarm(seed, extent), run_in_child);
  if (shrunk)
    std::cout << "shrunk in " << shrunk->runs << " runs: " << shrunk->failure.what
              << "\n  replay: " << command(seed, shrunk->variation) << more_options(extent)
              << std::endl;
  return shrunk.has_value();
}

int shrink_seed(const Arguments& arguments) {
  if (print_shrunk(*arguments.seed, arguments.batch.extent))
    return 1;
  std::cout << "seed " << *arguments.seed << " does not fail\n";
  return 0;
}

void print_json(const BatchResult& result) {
  std::cout << "{\"seeds\":" << result.seeds << ",\"violations\":" << result.violations.size()
            << ",\"seconds\":" << result.seconds << ",\"cpu_seconds\":" << result.cpu_seconds
            << ",\"marks_missing\":[";
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
  std::printf("%.0f seeds a second of one processor\n",
              static_cast<double>(result.seeds) / result.cpu_seconds);
  std::cout << result.seeds << " seeds from " << arguments.batch.from << " in " << result.seconds
            << " s: " << result.events << " events, " << result.simulated_s
            << " simulated seconds, " << result.violations.size() << " violations\n";
  for (std::size_t i = 0; i < marks_count; ++i)
    std::cout << "  " << name(static_cast<Mark>(i)) << ' '
              << result.marks.count(static_cast<Mark>(i)) << '\n';
  for (const std::uint64_t seed : result.violations)
    std::cout << "failed: " << command(seed, {}) << more_options(arguments.batch.extent) << '\n';
  for (std::size_t i = 0; i < std::min(result.violations.size(), shrunk_max); ++i)
    print_shrunk(result.violations[i], arguments.batch.extent);
  const bool blind = arguments.batch.extent == Extent::whole
                     && arguments.batch.seeds >= seeds_for_all_marks
                     && !result.marks.missing().empty();
  if (blind)
    std::cout << "failed: some marks were never hit\n";
  if (arguments.json)
    print_json(result);
  return result.violations.empty() && !blind ? 0 : 1;
}

void add_variation(CLI::App& app, Variation& variation) {
  const auto is_fault = [](const std::string& name) {
    const auto names = fault_names();
    return std::find(names.begin(), names.end(), name) != names.end() ? "" : "no fault " + name;
  };
  const auto is_duration = [](const std::string& text) {
    return parse_duration(text) ? "" : "neither 3.2s nor 150ms: " + text;
  };
  app.add_option_function<std::vector<std::string>>(
         "--without",
         [&](const std::vector<std::string>& names) {
           variation.without.insert(names.begin(), names.end());
         },
         "with --seed: leave out these kinds of faults")
      ->delimiter(',')
      ->check(is_fault);
  app.add_option_function<std::string>(
         "--stop-after",
         [&](const std::string& text) { variation.stop_after = parse_duration(text); },
         "with --seed: no faults after so long, as 3.2s or 150ms")
      ->check(is_duration);
  app.add_option("--peers", variation.peers, "with --seed: so many peers")
      ->check(CLI::Range(1U, 9U));
  app.add_option("--spares", variation.spares, "with --seed: so many that may be asked in")
      ->check(CLI::Range(0U, 9U));
  app.add_option("--clients", variation.clients, "with --seed: so many clients")
      ->check(CLI::Range(1U, 99U));
  app.add_option("--dice", variation.dice, "with --seed: the same parameters, and other chance");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Runs simulated clusters, one for each seed."};
  auto* const seeds = app.add_option("--seeds", arguments.batch.seeds, "how many seeds to run");
  app.add_option("--from", arguments.batch.from, "the first seed");
  app.add_option("--jobs", arguments.batch.jobs, "processes that share the work")
      ->check(CLI::Range(1U, 256U));
  app.add_option("--seed", arguments.seed, "run this one seed and print its parameters");
  app.add_flag_callback(
      "--plain", [&] { arguments.batch.extent = Extent::plain; },
      "the protocol alone, in many short runs");
  add_variation(app, arguments.variation);
  add_mutant_options(app, arguments.mutants);
  add_explore_options(app, arguments.explore);
  app.add_flag("--shrink", arguments.shrink, "with --seed: leave out what it fails without");
  app.add_flag("--trace", arguments.trace, "with --seed: print what happens");
  app.add_flag("--json", arguments.json, "print the result as JSON in the last line");
  CLI11_PARSE(app, argc, argv);
  if (arguments.mutants.all) {
    if (seeds->empty())
      arguments.batch.seeds = seeds_for_mutants;
    return catch_mutants(arguments.batch, arguments.json);
  }
  make_chosen_mistake(arguments.mutants);
  if (arguments.explore.depth)
    return explore_all(arguments.explore, arguments.json);
  if (!arguments.seed)
    return search(arguments);
  return arguments.shrink ? shrink_seed(arguments) : replay(arguments);
}
