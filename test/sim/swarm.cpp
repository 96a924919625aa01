#include "test/sim/swarm.hpp"

#include "test/sim/dice.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

namespace troupe::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t swarm_part = 1;

/// A weight, or 0 in half of all seeds.
unsigned maybe(Dice& dice, unsigned most) {
  const auto weight = static_cast<unsigned>(dice.between(1, most));
  return dice.coin() ? weight : 0;
}

EngineOptions draw_engine(Dice& dice) {
  EngineOptions options;
  options.election_timeout_min = dice.between(milliseconds(60), milliseconds(300));
  options.election_timeout_max =
      options.election_timeout_min + dice.between(milliseconds(40), options.election_timeout_min);
  options.heartbeat_interval =
      options.election_timeout_min / static_cast<Duration::rep>(dice.between(3, 8));
  options.entry_bytes_max = 4096;
  options.append_bytes_max = dice.between(100, dice.coin() ? 400 : 64 * 1024);
  options.window_messages_max = dice.between(1, dice.coin() ? 3 : 64);
  options.window_bytes_max = options.append_bytes_max * dice.between(1, dice.coin() ? 2 : 64);
  options.uncommitted_bytes_max = dice.between(8 * 1024, dice.coin() ? 16 * 1024 : 1024 * 1024);
  return options;
}

NetworkSwarm draw_network(Dice& dice) {
  NetworkSwarm network;
  network.delay_min = dice.between(microseconds(50), milliseconds(2));
  network.delay_spread =
      dice.between(microseconds(100), dice.coin() ? milliseconds(60) : milliseconds(5));
  network.loss_permille = maybe(dice, dice.coin() ? 300 : 30);
  network.duplicate_permille = maybe(dice, 150);
  network.straggler_permille = maybe(dice, 30);
  network.straggler_max = dice.between(milliseconds(200), seconds(4));
  network.in_order = dice.permille(300);
  network.tells_disconnects = dice.coin();
  return network;
}

DiskSwarm draw_disk(Dice& dice) {
  DiskSwarm disk;
  disk.latency_min = dice.between(microseconds(20), milliseconds(1));
  disk.latency_spread =
      dice.between(microseconds(50), dice.coin() ? milliseconds(100) : milliseconds(5));
  disk.stall_permille = maybe(dice, 50);
  disk.stall_max = dice.between(milliseconds(50), seconds(1));
  disk.notice_max = dice.coin() ? dice.between(microseconds(1), milliseconds(20)) : microseconds(1);
  disk.group_commit = dice.coin();
  return disk;
}

FaultSwarm draw_faults(Dice& dice) {
  FaultSwarm faults;
  faults.pause_between = dice.between(milliseconds(100), milliseconds(1500));
  faults.length_max = dice.between(milliseconds(50), milliseconds(2500));
  faults.crash = maybe(dice, 20);
  faults.crash_leader = maybe(dice, 20);
  faults.power_cut = maybe(dice, 5);
  faults.pause = maybe(dice, 15);
  faults.isolate = maybe(dice, 15);
  faults.isolate_leader = maybe(dice, 15);
  faults.split = maybe(dice, 15);
  faults.one_way = maybe(dice, 15);
  faults.bridge = maybe(dice, 10);
  faults.clog = maybe(dice, 15);
  faults.transfer = maybe(dice, 15);
  faults.clock_rate = maybe(dice, 10);
  faults.crash_between_parts_permille = dice.coin() ? 0 : static_cast<unsigned>(dice.between(1, 4));
  return faults;
}

ClientSwarm draw_clients(Dice& dice) {
  ClientSwarm clients;
  clients.clients = static_cast<unsigned>(dice.between(1, 6));
  clients.think_max =
      dice.between(milliseconds(1), dice.coin() ? milliseconds(20) : milliseconds(200));
  clients.timeout = dice.between(milliseconds(200), milliseconds(1500));
  clients.read_percent = static_cast<unsigned>(dice.between(5, 80));
  clients.batch_max = static_cast<unsigned>(dice.between(1, 6));
  clients.payload_bytes_max = dice.between(16, dice.coin() ? 32 : 2000);
  clients.patient = dice.coin();
  clients.wander_percent = maybe(dice, 60);
  return clients;
}

/// In some seeds only, and after all else is drawn: the others are what they would be without.
void draw_membership(Dice& dice, Swarm& swarm) {
  if (!dice.permille(400))
    return;
  swarm.spares = static_cast<unsigned>(dice.between(1, 4));
  swarm.faults.change = static_cast<unsigned>(dice.between(5, 60));
  swarm.faults.change_when_elected_permille = maybe(dice, 900);
  swarm.engine.catch_up_timeout = dice.between(milliseconds(50), seconds(3));
  if (dice.coin())
    return;
  swarm.standby_permille = static_cast<unsigned>(dice.between(100, 900));
  swarm.policy_permille = static_cast<unsigned>(dice.between(100, 1000));
  swarm.keep_after_max =
      swarm.engine.election_timeout_max + dice.between(milliseconds(1), seconds(2));
  swarm.buries = dice.coin();
}

/// Likewise.
void draw_patience(Dice& dice, Swarm& swarm) {
  const Duration longest = dice.coin() ? Duration(seconds(1)) : Duration(milliseconds(300));
  swarm.engine.disk_stall_max = dice.between(milliseconds(20), longest);
}

/// After all else, too. Leases are as good as what is said of the clocks, and that is true here, at
/// times to the microsecond; at times it allows no leases at all.
void draw_reads(Dice& dice, Swarm& swarm) {
  const Duration spare = swarm.engine.election_timeout_min - clock_drift(swarm);
  swarm.engine.clock_error =
      clock_drift(swarm) + (dice.coin() ? Duration{} : dice.between(Duration{}, spare));
  swarm.clients.lease_percent = maybe(dice, 100);
  swarm.clients.sequential_percent = maybe(dice, 60);
  swarm.faults.forget = maybe(dice, 20);
}

/// Likewise. So few entries that a run sees many snapshots, and so small chunks that one is many.
void draw_snapshots(Dice& dice, Swarm& swarm) {
  if (dice.coin())
    return;
  EngineOptions& options = swarm.engine;
  options.snapshot_entries = dice.permille(800) ? dice.between(3, dice.coin() ? 20 : 300) : 0;
  options.snapshot_bytes = dice.coin() ? dice.between(200, 40'000) : 0;
  options.snapshot_keep_entries = dice.permille(300) ? 0 : dice.between(1, 100);
  options.snapshot_keep_bytes = dice.between(0, dice.coin() ? 1000 : 100'000);
  options.cut_entries_max = dice.between(1, dice.coin() ? 5 : 1000);
  SnapshotSwarm& snapshots = swarm.snapshots;
  snapshots.padding_max = dice.between(1, 30 * options.append_bytes_max);
  snapshots.save_max = dice.between(microseconds(100), milliseconds(dice.coin() ? 5 : 500));
  snapshots.chunk_max = dice.between(microseconds(10), milliseconds(dice.coin() ? 1 : 20));
  snapshots.failure_permille = maybe(dice, 300);
  swarm.faults.snapshot = maybe(dice, 20);
  // Where members change, the only one who is left could be the one whose snapshot is damaged; two
  // peers need each other's logs to elect one of them.
  if (swarm.spares == 0 && swarm.peers >= 3)
    swarm.faults.damage = maybe(dice, 60);
}

/// Likewise.
void draw_cleaning(Dice& dice, Swarm& swarm) {
  swarm.engine.cleaning = dice.coin();
  swarm.engine.clean_entries_min = dice.coin() ? 0 : dice.between(1, 200);
  swarm.engine.clean_entries_max = dice.between(1, dice.coin() ? 3 : 1000);
  swarm.clients.keys = static_cast<unsigned>(dice.between(1, dice.coin() ? 3 : 12));
  swarm.clients.delete_percent = static_cast<unsigned>(dice.between(0, 70));
}

/// Likewise, where nothing else takes a peer away for good or could take its copy: one at a time is
/// what a cluster survives.
void draw_rot(Dice& dice, Swarm& swarm) {
  const unsigned rot = maybe(dice, 20);
  if (swarm.peers >= 3 && swarm.spares == 0 && swarm.faults.damage == 0)
    swarm.faults.rot = rot;
}

/// After all else, for whole runs. Likewise: one disk at a time. The peer is given up when that
/// shows.
void draw_set_back(Dice& dice, Swarm& swarm) {
  const unsigned set_back = maybe(dice, 40);
  swarm.claims = !dice.permille(300);
  if (swarm.peers >= 3 && swarm.spares == 0 && swarm.faults.damage == 0)
    swarm.faults.set_back = set_back;
}

/// After all else, for plain runs: what is left of a seed without what they have not.
void draw_plain(Dice& dice, Swarm& swarm) {
  swarm.chaos = plain_ticks * plain_tick;
  swarm.peers = std::min(swarm.peers, 5U);
  swarm.spares = 0;
  swarm.standby_permille = swarm.policy_permille = 0;
  swarm.buries = false;
  EngineOptions& engine = swarm.engine;
  engine.election_timeout_min = dice.between(10 * plain_tick, 30 * plain_tick);
  engine.election_timeout_max =
      engine.election_timeout_min + dice.between(4 * plain_tick, engine.election_timeout_min);
  engine.heartbeat_interval =
      engine.election_timeout_min / static_cast<Duration::rep>(dice.between(3, 8));
  engine.cleaning = false;
  engine.quiet_after = Duration::zero();
  engine.quiet_interval = EngineOptions{}.quiet_interval;
  engine.snapshot_entries = engine.snapshot_bytes = 0;
  engine.clock_error = std::min(engine.election_timeout_min,
                                clock_drift(swarm) + dice.between(Duration{}, plain_tick));
  FaultSwarm& faults = swarm.faults;
  faults.rot = faults.change = faults.snapshot = faults.damage =
      faults.change_when_elected_permille = 0;
  ClientSwarm& clients = swarm.clients;
  clients.clients = static_cast<unsigned>(dice.between(1, 2));
  clients.think_max = dice.between(plain_tick, 40 * plain_tick);
  clients.payload_bytes_max = 16;
}

/// Likewise. Clocks that jump allow no leases, and where there are none all may happen to them.
void draw_troubles(Dice& dice, Swarm& swarm) {
  swarm.faults.full = maybe(dice, 15);
  swarm.faults.slow = maybe(dice, 10);
  if (swarm.peers >= 5 && swarm.spares == 0)
    swarm.faults.depose = maybe(dice, 20);
  if (!dice.permille(200))
    return;
  swarm.faults.clock_jump = static_cast<unsigned>(dice.between(5, 20));
  swarm.engine.clock_error = std::max(swarm.engine.clock_error, clock_drift(swarm));
}

/// Likewise. Pauses between commands that are long enough to fall quiet in, and short enough that
/// the next one comes while not all have.
void draw_quiet(Dice& dice, Swarm& swarm) {
  swarm.engine.quiet_after = Duration::zero();
  if (!dice.permille(400))
    return;
  EngineOptions& options = swarm.engine;
  options.quiet_after = dice.between(milliseconds(1), 4 * options.heartbeat_interval);
  if (dice.permille(300))
    options.quiet_interval = dice.between(4 * options.heartbeat_interval, seconds(3));
  swarm.silent_beats = static_cast<unsigned>(options.election_timeout_max.count()
                                             / options.heartbeat_interval.count())
                       + 1;
  swarm.node_outlives_permille = maybe(dice, 700);
  if (dice.coin())
    swarm.clients.think_max = dice.between(milliseconds(100), milliseconds(600));
}

}  // namespace

Duration clock_drift(const Swarm& swarm) {
  std::int64_t slowest = swarm.clock_rate_min_permille;
  std::int64_t fastest = swarm.clock_rate_max_permille;
  if (swarm.faults.clock_rate > 0) {
    slowest = std::min(slowest, clock_fault_min_permille);
    fastest = std::max(fastest, clock_fault_max_permille);
  }
  if (swarm.faults.clock_jump > 0)
    return swarm.engine.election_timeout_min;
  // While the fast clock of a follower counts its timeout, the slow one of the leader counts less.
  // Each is read to the microsecond at both ends.
  constexpr Duration reading = microseconds(4);
  const Duration timeout = swarm.engine.election_timeout_min;
  return std::min(timeout, timeout - timeout * slowest / fastest + reading);
}

Swarm draw_swarm(std::uint64_t seed, Extent extent) {
  Dice dice(seed, swarm_part);
  Swarm swarm;
  swarm.seed = seed;
  swarm.extent = extent;
  // Three and five are what people run; one, two and four are where quorums are miscounted.
  static constexpr unsigned sizes[] = {3, 5, 3, 5, 3, 5, 3, 5, 3, 4, 2, 1};
  swarm.peers = sizes[dice.below(std::size(sizes))];
  swarm.chaos = dice.between(seconds(3), seconds(12));
  swarm.hesitation_permille = maybe(dice, 500);
  if (dice.coin()) {
    swarm.clock_rate_min_permille = static_cast<std::int64_t>(dice.between(700, 1000));
    swarm.clock_rate_max_permille = static_cast<std::int64_t>(dice.between(1000, 1400));
  }
  swarm.engine = draw_engine(dice);
  swarm.network = draw_network(dice);
  swarm.disk = draw_disk(dice);
  swarm.faults = draw_faults(dice);
  swarm.clients = draw_clients(dice);
  draw_membership(dice, swarm);
  draw_patience(dice, swarm);
  draw_reads(dice, swarm);
  draw_snapshots(dice, swarm);
  draw_cleaning(dice, swarm);
  draw_troubles(dice, swarm);
  draw_rot(dice, swarm);
  draw_quiet(dice, swarm);
  if (extent == Extent::plain)
    draw_plain(dice, swarm);
  else
    draw_set_back(dice, swarm);
  return swarm;
}

std::string describe(const Swarm& s) {
  std::ostringstream out;
  out << "seed=" << s.seed << " peers=" << s.peers << " spares=" << s.spares
      << " chaos_us=" << s.chaos.count() << " hesitation_permille=" << s.hesitation_permille
      << " standby_permille=" << s.standby_permille << " policy_permille=" << s.policy_permille
      << " keep_after_max_us=" << s.keep_after_max.count() << " buries=" << s.buries
      << " quiet_after_us=" << s.engine.quiet_after.count()
      << " quiet_interval_us=" << s.engine.quiet_interval.count()
      << " silent_beats=" << s.silent_beats
      << " node_outlives_permille=" << s.node_outlives_permille
      << " clock_permille=" << s.clock_rate_min_permille << ".." << s.clock_rate_max_permille
      << '\n';
  const EngineOptions& e = s.engine;
  out << "engine election_us=" << e.election_timeout_min.count() << ".."
      << e.election_timeout_max.count() << " heartbeat_us=" << e.heartbeat_interval.count()
      << " append_bytes=" << e.append_bytes_max << " window_bytes=" << e.window_bytes_max
      << " window_messages=" << e.window_messages_max
      << " uncommitted_bytes=" << e.uncommitted_bytes_max
      << " catch_up_us=" << e.catch_up_timeout.count()
      << " disk_stall_us=" << e.disk_stall_max.count()
      << " clock_error_us=" << e.clock_error.count() << '\n';
  const SnapshotSwarm& h = s.snapshots;
  out << "snapshots entries=" << e.snapshot_entries << " bytes=" << e.snapshot_bytes
      << " keep_entries=" << e.snapshot_keep_entries << " keep_bytes=" << e.snapshot_keep_bytes
      << " cut_entries=" << e.cut_entries_max << " padding=" << h.padding_max
      << " save_max_us=" << h.save_max.count() << " chunk_max_us=" << h.chunk_max.count()
      << " failure_permille=" << h.failure_permille << '\n';
  out << "cleaning on=" << e.cleaning << " entries_min=" << e.clean_entries_min
      << " entries_max=" << e.clean_entries_max << " keys=" << s.clients.keys
      << " delete_percent=" << s.clients.delete_percent << '\n';
  const NetworkSwarm& n = s.network;
  out << "network delay_us=" << n.delay_min.count() << '+' << n.delay_spread.count()
      << " loss_permille=" << n.loss_permille << " duplicate_permille=" << n.duplicate_permille
      << " straggler_permille=" << n.straggler_permille
      << " straggler_max_us=" << n.straggler_max.count() << " in_order=" << n.in_order
      << " tells_disconnects=" << n.tells_disconnects << '\n';
  const DiskSwarm& d = s.disk;
  out << "disk latency_us=" << d.latency_min.count() << '+' << d.latency_spread.count()
      << " stall_permille=" << d.stall_permille << " stall_max_us=" << d.stall_max.count()
      << " notice_max_us=" << d.notice_max.count() << " group_commit=" << d.group_commit << '\n';
  const FaultSwarm& f = s.faults;
  out << "faults every_us=" << f.pause_between.count() << " length_max_us=" << f.length_max.count()
      << " crash=" << f.crash << " crash_leader=" << f.crash_leader << " power_cut=" << f.power_cut
      << " pause=" << f.pause << " isolate=" << f.isolate << " isolate_leader=" << f.isolate_leader
      << " split=" << f.split << " one_way=" << f.one_way << " bridge=" << f.bridge
      << " clog=" << f.clog << " transfer=" << f.transfer << " clock_rate=" << f.clock_rate
      << " forget=" << f.forget << " change=" << f.change << " snapshot=" << f.snapshot
      << " damage=" << f.damage << " full=" << f.full << " slow=" << f.slow
      << " depose=" << f.depose << " clock_jump=" << f.clock_jump << " rot=" << f.rot
      << " set_back=" << f.set_back << " old_leaders=" << !s.claims
      << " change_when_elected_permille=" << f.change_when_elected_permille
      << " crash_between_parts_permille=" << f.crash_between_parts_permille << '\n';
  const ClientSwarm& c = s.clients;
  out << "clients clients=" << c.clients << " think_max_us=" << c.think_max.count()
      << " timeout_us=" << c.timeout.count() << " read_percent=" << c.read_percent
      << " lease_percent=" << c.lease_percent << " sequential_percent=" << c.sequential_percent
      << " batch_max=" << c.batch_max << " payload_bytes_max=" << c.payload_bytes_max
      << " patient=" << c.patient << " wander_percent=" << c.wander_percent
      << " stale_permille=" << c.stale_permille << '\n';
  return out.str();
}

}  // namespace troupe::sim
