/// Peers that have nothing to do.

#include "test/bench/measure.hpp"

#include <stdexcept>
#include <thread>

namespace bench {
namespace {

constexpr auto settle = std::chrono::seconds(2);
constexpr auto patience = std::chrono::seconds(20);

/// `count` clusters, each with a peer on every node.
void start_peers(Stage& stage, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> members;
    for (std::size_t node = 0; node < stage.size(); ++node)
      members.push_back("idle" + std::to_string(i) + "-" + std::to_string(node) + "@"
                        + troupe::shell::address_of(stage.peers()[node]));
    for (const std::string& member : members)
      stage.ask().start_peer(member, "kv_store");
    const auto response = stage.ask().ask(
        members.front(), {.body = troupe::wire::SetConfiguration{.members = members}}, patience);
    if (response.refusal != troupe::Refusal::none)
      throw std::runtime_error("no configuration for " + members.front() + ": "
                               + std::string(troupe::name(response.refusal)) + " "
                               + response.detail);
    if (i % 100 == 99)
      say(std::to_string(i + 1) + " peers on each node");
  }
}

void run_idle_with(const Options& options, std::size_t peers, const Print& print) {
  Stage stage(options, options.nodes);
  const double empty_bytes = static_cast<double>(stage.usage().rss_bytes);
  start_peers(stage, peers);
  std::this_thread::sleep_for(settle);
  Row row = row_for(options, "idle_" + std::to_string(peers), 0);
  for (std::size_t i = 0; i < options.rounds; ++i) {
    const Usage before = stage.usage();
    const auto start = Clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
    const Usage used = between(before, stage.usage());
    const double seconds = seconds_since(start);
    const auto bytes = static_cast<double>(used.rss_bytes);
    row.rounds.push_back(
        {{"rss_mb", bytes / 1e6},
         {"cpu_percent_of_a_core", used.cpu_us / seconds / 1e4},
         {"messages_per_s", static_cast<double>(used.messages) / seconds},
         {"switches_per_s", static_cast<double>(used.switches) / seconds},
         {"kb_per_peer", (bytes - empty_bytes) / 1e3 / static_cast<double>(peers)}});
    say(row.workload + ": " + std::to_string(row.rounds.back()["cpu_percent_of_a_core"])
        + " % of a core");
  }
  print(row);
}

}  // namespace

void run_idle(const Options& options, const Print& print) {
  Options apart = options;
  apart.embedded = false;
  apart.single_process = false;
  if (options.peers)
    return run_idle_with(apart, *options.peers, print);
  for (const std::size_t peers : {100UL, 1000UL})
    run_idle_with(apart, peers, print);
}

}  // namespace bench
