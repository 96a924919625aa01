/// The workload of many connections with one call in flight each. Beside each row stands what a
/// server of a few lines does with as many connections and frames of the same sizes.

#include "actors/runtime/address.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "test/bench/measure.hpp"
#include "test/bench/raw_calls.hpp"
#include "wire/command.hpp"
#include "wire/packet.hpp"

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

namespace kv_store = troupe::resources::kv_store;
namespace wire = troupe::wire;

constexpr double warm_up_s = 0.3;

std::vector<std::uint8_t> call_frame(const std::string& peer, wire::CallKind kind,
                                     troupe::Bytes payload) {
  wire::Calls calls{.peer = peer, .kind = kind, .level = {}, .calls = {}, .seen = {}};
  calls.calls.push_back({.id = 1, .payload = std::move(payload)});
  return *wire::encode(std::move(calls));
}

troupe::actors::FullName leader_of(Stage& stage) {
  const auto leader = troupe::actors::parse_full_name(stage.peers()[stage.leader()]);
  if (!leader)
    throw std::runtime_error("the leader has no name");
  return *leader;
}

std::vector<std::uint8_t> read_of(const troupe::actors::FullName& peer) {
  return call_frame(peer.name, wire::CallKind::query,
                    troupe::Bytes::copy_of(kv_store::get(key_of(1))));
}

/// One round of one server.
Figures round_of(RawCalls& calls, double seconds, const Usage& before,
                 const std::function<Usage()>& usage) {
  const Usage ours = usage_of(::getpid(), &own_counters());
  const Histogram times = calls.run(warm_up_s, seconds);
  return figures_of(times, calls.seconds(), between(before, usage()),
                    between(ours, usage_of(::getpid(), &own_counters())));
}

struct Kind {
  std::string name{};
  std::vector<std::uint8_t> request{};
};

/// Rows for `kind` over `connections`: of the leader's node, and of the echo.
void run_kind(const Options& options, Stage& stage, const std::string& address, const Kind& kind,
              std::size_t connections, const Print& print) {
  Row node_row = row_for(options, "connections_" + kind.name, connections);
  Row echo_row = row_for(options, "echo_" + kind.name, connections);
  RawCalls node({.address = address,
                 .connections = connections,
                 .hello = *wire::encode(wire::Hello{}),
                 .request = kind.request});
  (void)node.run(0, warm_up_s);  // From here on the sizes are known.
  const EchoServer server(node.sizes());
  RawCalls echo({.address = server.address(),
                 .connections = connections,
                 .request = kind.request,
                 .echo_bytes = node.sizes().reply_bytes});
  const auto usage_of_echo = [&] { return usage_of(server.pid(), nullptr); };
  for (std::size_t i = 0; i < options.rounds; ++i) {
    const Figures alone = round_of(echo, options.seconds, usage_of_echo(), usage_of_echo);
    Figures figures = round_of(node, options.seconds, stage.usage(), [&] { return stage.usage(); });
    figures["of_echo"] = figures.at("ops_per_s") / alone.at("ops_per_s");
    char text[160];
    std::snprintf(text, sizeof text, "%s, %zu connections, round %zu of %zu: %.0f/s, echo %.0f/s",
                  kind.name.c_str(), connections, i + 1, options.rounds, figures["ops_per_s"],
                  alone.at("ops_per_s"));
    say(text);
    node_row.rounds.push_back(std::move(figures));
    echo_row.rounds.push_back(alone);
  }
  if (node.failed() > 0)
    say(std::to_string(node.failed()) + " calls were refused");
  print(node_row);
  print(echo_row);
}

/// What connections cost on which nothing is said.
void run_idle_connections(const Options& options, Stage& stage, const std::string& address,
                          const std::vector<std::uint8_t>& request, std::size_t connections,
                          const Print& print) {
  Row row = row_for(options, "connections_idle", connections);
  const Usage empty = stage.usage();
  RawCalls calls({.address = address,
                  .connections = connections,
                  .hello = *wire::encode(wire::Hello{}),
                  .request = request});
  (void)calls.run(0, 0);  // A node closes connections that never ask anything.
  for (std::size_t i = 0; i < options.rounds; ++i) {
    const Usage before = stage.usage();
    const auto start = Clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
    const double seconds = seconds_since(start);
    const Usage used = between(before, stage.usage());
    const auto count = static_cast<double>(connections);
    row.rounds.push_back({{"nodes_cpu_percent", used.cpu_us / seconds / 1e4},
                          {"rss_mb", static_cast<double>(used.rss_bytes) / 1e6},
                          {"kb_per_connection", (static_cast<double>(used.rss_bytes)
                                                 - static_cast<double>(empty.rss_bytes))
                                                    / 1e3 / count}});
  }
  print(row);
}

/// What those lose who are connected when others want to be, for whom there is no place.
void run_beyond(const Options& options, const Print& print) {
  // A source gets three quarters of all places. The bench itself asks over some of them.
  constexpr std::size_t places = 2000;
  constexpr std::size_t connected = places / 4 * 3 - 4;
  constexpr std::size_t beyond = 500;
  Stage stage(options, options.nodes, {"--connections-max", std::to_string(places)});
  stage.bootstrap();
  const auto leader = leader_of(stage);
  Row row = row_for(options, "connections_beyond", connected);
  const auto usage = [&] { return stage.usage(); };
  for (std::size_t i = 0; i < options.rounds; ++i) {
    // Anew: a connection that is silent while the others end loses its place to one of them.
    RawCalls calls({.address = leader.address,
                    .connections = connected,
                    .hello = *wire::encode(wire::Hello{}),
                    .request = read_of(leader)});
    const Figures alone = round_of(calls, options.seconds, stage.usage(), usage);
    Load load({.peers = {stage.peers()[stage.leader()]}, .in_flight = beyond, .clients = beyond});
    load.start();
    Figures figures = round_of(calls, options.seconds, stage.usage(), usage);
    load.stop();
    figures["kept"] = figures.at("ops_per_s") / alone.at("ops_per_s");
    say("kept " + std::to_string(figures["kept"]) + " of " + std::to_string(alone.at("ops_per_s"))
        + "/s");
    figures["beyond_answered"] = static_cast<double>(load.answered());
    row.rounds.push_back(std::move(figures));
  }
  print(row);
}

}  // namespace

void run_connections(const Options& options, const Print& print) {
  raise_file_limit();
  std::vector<std::size_t> counts = {64, 1000, 2000};
  if (options.in_flight)
    counts = {*options.in_flight};
  {
    Stage stage(options, options.nodes);
    stage.bootstrap();
    const auto leader = leader_of(stage);
    const Kind kinds[] = {
        {"write", call_frame(leader.name, wire::CallKind::command,
                             wire::encode_command(troupe::machine::bytes(kv_store::set(
                                 key_of(1), std::string(options.value_bytes, 'v')))))},
        {"read", read_of(leader)}};
    for (const std::size_t count : counts)
      for (const Kind& kind : kinds)
        run_kind(options, stage, leader.address, kind, count, print);
    for (const std::size_t count : counts)
      run_idle_connections(options, stage, leader.address, kinds[1].request, count, print);
  }
  run_beyond(options, print);
}

}  // namespace bench
