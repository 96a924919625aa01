#include "test/sim/main/mutants.hpp"

#include "core/assert.hpp"

#ifdef TROUPE_MUTANTS

#include "core/mutant.hpp"
#include "test/sim/explorer/explorer.hpp"
#include "test/sim/main/child.hpp"
#include "test/sim/main/unit_tests.hpp"
#include "test/sim/shrink.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <string_view>

namespace troupe::sim {

namespace {

/// Mistakes that random faults bring to light in one of many thousands of seeds, or never, each
/// with the test of the core that is for it: histories of which every step must be the right one.
const std::map<Mutant, std::string_view> tested = {
    {Mutant::older_acceptance_counts,
     "C6: an answer of another term confirms no read and prolongs no lease"},
    {Mutant::promise_ends_with_term,
     "a promise outlives the term: who learns of a higher one still refuses to vote"},
    {Mutant::restart_frees, "a peer that starts again keeps what it may have promised before"},
    {Mutant::answer_to_older_life,
     "an answer counts once, from the leader of the term, and to this life of ours"},
    {Mutant::read_by_older_answer,
     "C5: an answer to what was asked before a read does not confirm it"},
    {Mutant::snapshot_over_own_log,
     "who holds the end of a snapshot keeps its own log, and applies it"},
    {Mutant::questions_pile_up,
     "a disk that stalls is asked one question about a snapshot, however many come"},
    {Mutant::set_back_not_written,
     "a follower that lacks what it acknowledged was set back, and writes it down"},
    {Mutant::strangers_wake,
     "who is no member wakes nobody by asking for a pre-vote, and is refused (§4.2.3)"},
};

/// Whether a plain run has what the mistake is about.
bool is_plain(Mutant mutant) {
  const auto between = [mutant](Mutant first, Mutant last) {
    return mutant >= first && mutant <= last;
  };
  return !between(Mutant::configuration_not_rolled_back, Mutant::questions_pile_up)
         && !between(Mutant::full_disk_not_left, Mutant::full_disk_not_spoken_of)
         && !between(Mutant::set_back_unproven, Mutant::set_back_not_written)
         && !between(Mutant::tombstone_first, Mutant::horizon_ignored);
}

/// Mistakes that all ways through a small cluster are gone for, each in the scenario that is for
/// it.
const std::map<Mutant, std::string_view> explored = {
    {Mutant::commits_old_terms, "figure_8"},
    {Mutant::single_step, "four_voters"},
    {Mutant::leads_before_durable, "alone_at_last"},
};

struct Catch {
  Mutant mutant = Mutant::none;
  std::optional<std::uint64_t> seed{};  ///< The first that failed.
  std::uint64_t seeds = 0;              ///< Up to that one, or all.
  double seconds = 0;
  std::string what{};
  std::string instead{};        ///< Why what failed is no catch, if anything did.
  std::string_view scenario{};  ///< If it was explored.
  bool by_test = false;         ///< Else by seeds or a scenario.

  bool is_caught() const { return !what.empty(); }
};

Mutant made = Mutant::none;

std::vector<Mutant> all_mutants() {
  std::vector<Mutant> all;
  for (std::size_t i = 1; i < mutants_count; ++i)
    all.push_back(static_cast<Mutant>(i));
  return all;
}

/// Fit for a line of a table, and for a string of JSON.
std::string one_line(std::string text) {
  text.resize(std::min(text.size(), text.find('\n')));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || c < ' '; }, ' ');
  return text;
}

Catch try_to_catch(Mutant mutant, Batch batch) {
  make_mistake(mutant);
  batch.until_violated = true;
  batch.quiet = true;
  const BatchResult result = run_batch(batch, [](const BatchResult&) {});
  Catch caught{.mutant = mutant, .seeds = batch.seeds, .seconds = result.seconds};
  if (!result.violations.empty()) {
    caught.seed = result.violations.front();
    caught.seeds = *caught.seed - batch.from + 1;
    const auto failure = run_in_child(draw_swarm(*caught.seed, batch.extent));
    caught.what = failure ? one_line(failure->what) : "the same seed is another run";
  }
  make_mistake(Mutant::none);
  // A seed that fails without the mistake, too, shows a mistake of ours.
  const auto innocent =
      caught.seed ? run_in_child(draw_swarm(*caught.seed, batch.extent)) : std::nullopt;
  if (innocent) {
    caught.what.clear();
    caught.instead = "fails without it: " + one_line(innocent->what);
  }
  return caught;
}

Catch test_for(Mutant mutant, std::string_view test) {
  const bool innocent = unit_test_fails(test);
  make_mistake(mutant);
  const bool fails = unit_test_fails(test);
  make_mistake(Mutant::none);
  return {.mutant = mutant,
          .what = fails && !innocent ? "test: " + std::string(test) : "",
          .instead = innocent ? "fails without it: " + std::string(test) : "",
          .by_test = true};
}

Catch explore_for(Mutant mutant, std::string_view scenario) {
  using Seconds = std::chrono::duration<double>;
  const auto found = std::ranges::find(scenarios(), scenario, &Scenario::name);
  TROUPE_ASSERT(found != scenarios().end());
  make_mistake(mutant);
  const auto begin = std::chrono::steady_clock::now();
  const auto failure = in_child([&]() -> std::optional<Failure> {
    const Explored result = explore(*found, found->depth);
    return result.violation ? std::optional(Failure{*result.violation, {}}) : std::nullopt;
  });
  make_mistake(Mutant::none);
  return {.mutant = mutant,
          .seconds = Seconds(std::chrono::steady_clock::now() - begin).count(),
          .what = failure ? one_line(failure->what) : "",
          .scenario = scenario};
}

void print(const Catch& caught, bool json) {
  std::string called(name(caught.mutant));
  if (!caught.scenario.empty() && !json)
    called += " (explored)";
  const std::string missed = "NOT CAUGHT " + caught.instead;
  if (json)
    std::printf(
        "{\"mutant\":\"%s\",\"caught\":%s,\"seeds\":%llu,\"scenario\":\"%s\","
        "\"seconds\":%.2f,\"by\":\"%s\"}\n",
        called.c_str(), caught.is_caught() ? "true" : "false",
        static_cast<unsigned long long>(caught.seeds), std::string(caught.scenario).c_str(),
        caught.seconds, caught.what.c_str());
  else
    std::printf("%-36s %6llu %8.2f  %s\n", called.c_str(),
                static_cast<unsigned long long>(caught.seeds), caught.seconds,
                caught.is_caught() ? caught.what.c_str() : missed.c_str());
  std::fflush(stdout);
}

}  // namespace

void add_mutant_options(CLI::App& app, MutantArguments& arguments) {
  std::vector<std::string> names;
  for (const Mutant mutant : all_mutants())
    names.emplace_back(name(mutant));
  app.add_flag("--mutants", arguments.all,
               "make one mistake after the other in the engine, and see that each is caught");
  app.add_option("--mutant", arguments.one, "make this mistake in the engine")
      ->check(CLI::IsMember(names));
}

std::string mutant_option() {
  return made == Mutant::none ? "" : " --mutant " + std::string(name(made));
}

void make_chosen_mistake(const MutantArguments& arguments) {
  for (const Mutant mutant : all_mutants())
    if (name(mutant) == arguments.one)
      made = mutant;
  make_mistake(made);
}

int catch_mutants(const Batch& batch, bool json) {
  if (!json)
    std::printf("%-36s %6s %8s  %s\n", "mutant", "seeds", "seconds", "caught by");
  std::size_t tried = 0;
  std::size_t caught = 0;
  double seconds = 0;
  const auto count = [&](const Catch& result) {
    print(result, json);
    ++tried;
    seconds += result.seconds;
    caught += result.is_caught() ? 1U : 0U;
  };
  const bool whole = batch.extent == Extent::whole;
  if (whole)
    for (const auto& [mutant, scenario] : explored)
      count(explore_for(mutant, scenario));
  for (const Mutant mutant : all_mutants()) {
    const auto test = tested.find(mutant);
    if (test != tested.end() && whole)
      count(test_for(mutant, test->second));
    else if (test == tested.end() && mutant != Mutant::leads_before_durable
             && (whole || is_plain(mutant)))
      count(try_to_catch(mutant, batch));
  }
  if (!json)
    std::printf("%zu of %zu caught in %.0f s\n", caught, tried, seconds);
  return caught == tried ? 0 : 1;
}

}  // namespace troupe::sim

#else

namespace troupe::sim {

void add_mutant_options(CLI::App&, MutantArguments&) {}

std::string mutant_option() {
  return "";
}

void make_chosen_mistake(const MutantArguments&) {}

int catch_mutants(const Batch&, bool) {
  TROUPE_ASSERT(false);  // There is no option for it.
  return 1;
}

}  // namespace troupe::sim

#endif
