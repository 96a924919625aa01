#include "test/sim/variation.hpp"

#include "core/assert.hpp"
#include "test/sim/state.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace troupe::sim {

namespace {

using std::chrono::milliseconds;

struct Fault {
  std::string_view name{};
  void (*leave_out)(Swarm&) = nullptr;
};

/// What is here can be shrunk away. A kind of fault that is not would stay in every shrunk run.
constexpr Fault all_faults[] = {
    {"crash", [](Swarm& s) { s.faults.crash = 0; }},
    {"crash_leader", [](Swarm& s) { s.faults.crash_leader = 0; }},
    {"power_cut", [](Swarm& s) { s.faults.power_cut = 0; }},
    {"pause", [](Swarm& s) { s.faults.pause = 0; }},
    {"isolate", [](Swarm& s) { s.faults.isolate = 0; }},
    {"isolate_leader", [](Swarm& s) { s.faults.isolate_leader = 0; }},
    {"split", [](Swarm& s) { s.faults.split = 0; }},
    {"one_way", [](Swarm& s) { s.faults.one_way = 0; }},
    {"bridge", [](Swarm& s) { s.faults.bridge = 0; }},
    {"clog", [](Swarm& s) { s.faults.clog = 0; }},
    {"transfer", [](Swarm& s) { s.faults.transfer = 0; }},
    {"clock_rate", [](Swarm& s) { s.faults.clock_rate = 0; }},
    {"forget", [](Swarm& s) { s.faults.forget = 0; }},
    {"change", [](Swarm& s) { s.faults.change = 0; }},
    {"change_when_elected", [](Swarm& s) { s.faults.change_when_elected_permille = 0; }},
    {"standby", [](Swarm& s) { s.standby_permille = 0; }},
    {"policy", [](Swarm& s) { s.policy_permille = 0; }},
    {"burial", [](Swarm& s) { s.buries = false; }},
    {"snapshot",
     [](Swarm& s) {
       s.engine.snapshot_entries = s.engine.snapshot_bytes = 0;
       s.faults.snapshot = 0;
     }},
    {"damage", [](Swarm& s) { s.faults.damage = 0; }},
    {"full", [](Swarm& s) { s.faults.full = 0; }},
    {"slow", [](Swarm& s) { s.faults.slow = 0; }},
    {"depose", [](Swarm& s) { s.faults.depose = 0; }},
    {"rot", [](Swarm& s) { s.faults.rot = 0; }},
    {"set_back", [](Swarm& s) { s.faults.set_back = 0; }},
    {"old_leaders", [](Swarm& s) { s.claims = true; }},
    {"clock_jump", [](Swarm& s) { s.faults.clock_jump = 0; }},
    {"save_failure", [](Swarm& s) { s.snapshots.failure_permille = 0; }},
    {"crash_between_parts", [](Swarm& s) { s.faults.crash_between_parts_permille = 0; }},
    {"loss", [](Swarm& s) { s.network.loss_permille = 0; }},
    {"duplicate", [](Swarm& s) { s.network.duplicate_permille = 0; }},
    {"straggler", [](Swarm& s) { s.network.straggler_permille = 0; }},
    {"disorder", [](Swarm& s) { s.network.in_order = true; }},
    {"disconnect", [](Swarm& s) { s.network.tells_disconnects = false; }},
    {"stall", [](Swarm& s) { s.disk.stall_permille = 0; }},
    {"late_notice", [](Swarm& s) { s.disk.notice_max = std::chrono::microseconds(1); }},
    {"group_commit", [](Swarm& s) { s.disk.group_commit = false; }},
    {"hesitation", [](Swarm& s) { s.hesitation_permille = 0; }},
    {"skew", [](Swarm& s) { s.clock_rate_min_permille = s.clock_rate_max_permille = 1000; }},
    {"quiet", [](Swarm& s) { s.engine.quiet_after = Duration::zero(); }},
    {"outliving_node", [](Swarm& s) { s.node_outlives_permille = 0; }},
    {"cleaning", [](Swarm& s) { s.engine.cleaning = false; }},
    {"delete", [](Swarm& s) { s.clients.delete_percent = 0; }},
    {"read", [](Swarm& s) { s.clients.read_percent = 0; }},
    {"lease", [](Swarm& s) { s.clients.lease_percent = 0; }},
    {"sequential", [](Swarm& s) { s.clients.sequential_percent = 0; }},
    {"batch", [](Swarm& s) { s.clients.batch_max = 1; }},
    {"payload", [](Swarm& s) { s.clients.payload_bytes_max = 16; }},
    {"wander", [](Swarm& s) { s.clients.wander_percent = 0; }},
    {"patience", [](Swarm& s) { s.clients.patient = false; }},
};

const Fault& fault_named(std::string_view name) {
  const auto* const found = std::find_if(std::begin(all_faults), std::end(all_faults),
                                         [&](const Fault& fault) { return fault.name == name; });
  TROUPE_ASSERT(found != std::end(all_faults));
  return *found;
}

}  // namespace

std::vector<std::string_view> fault_names() {
  std::vector<std::string_view> names;
  for (const Fault& fault : all_faults)
    names.push_back(fault.name);
  return names;
}

bool strikes(std::string_view fault, const Swarm& swarm) {
  Swarm without = swarm;
  fault_named(fault).leave_out(without);
  return describe(without) != describe(swarm);
}

Swarm vary(Swarm swarm, const Variation& variation) {
  for (const std::string& fault : variation.without)
    fault_named(fault).leave_out(swarm);
  if (variation.stop_after)
    swarm.chaos = std::min(swarm.chaos, *variation.stop_after);
  swarm.peers = variation.peers.value_or(swarm.peers);
  swarm.spares = variation.spares.value_or(swarm.spares);
  swarm.clients.clients = variation.clients.value_or(swarm.clients.clients);
  if (variation.dice)
    swarm.seed = mix(swarm.seed, *variation.dice);
  return swarm;
}

std::optional<Duration> parse_duration(std::string_view text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  if (error != std::errc{} || number < 0 || number > 1e6 || (unit != "s" && unit != "ms"))
    return std::nullopt;
  return Duration(static_cast<Duration::rep>(number * (unit == "s" ? 1e6 : 1e3) + 0.5));
}

std::string command(std::uint64_t seed, const Variation& variation) {
  std::string out = "./dev sim --seed " + std::to_string(seed);
  const char* separator = " --without ";
  for (const std::string& fault : variation.without) {
    out += separator + fault;
    separator = ",";
  }
  const auto add = [&out](const char* option, const auto& value) {
    if (value)
      out += std::string(" --") + option + " " + std::to_string(*value);
  };
  add("peers", variation.peers);
  add("spares", variation.spares);
  add("clients", variation.clients);
  add("dice", variation.dice);
  if (variation.stop_after)
    out += " --stop-after "
           + std::to_string(std::chrono::ceil<milliseconds>(*variation.stop_after).count()) + "ms";
  return out;
}

}  // namespace troupe::sim
