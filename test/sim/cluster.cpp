#include "test/sim/cluster.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The parts of a simulation that have dice of their own.
constexpr std::uint64_t network_part = 2;
constexpr std::uint64_t peer_part = 3;
constexpr std::uint64_t client_part = 4;
constexpr std::uint64_t fault_part = 5;
constexpr std::uint64_t read_part = 6;
constexpr std::uint64_t snapshot_part = 7;
constexpr std::uint64_t unread_part = 10;
constexpr std::uint64_t cleaning_part = 8;
constexpr std::uint64_t quiet_part = 9;
constexpr std::uint64_t disk_part = 1000;

/// How long a healed cluster may take until each of its clients has written and read.
constexpr Duration recovery_max = seconds(20);
/// How long the peers may take from there to the same state, when nobody writes any more.
constexpr Duration convergence_max = seconds(10);
/// More than any honest run needs: beyond it, something spins.
constexpr std::uint64_t events_max = 20'000'000;

/// Where the process sits that must do something about an event; the rest of the world goes on
/// while it stands still.
struct SeatOfProcess {
  std::optional<Seat> operator()(const MessageArrives& event) const { return event.seat; }
  std::optional<Seat> operator()(const ConnectionBreaks& event) const { return event.seat; }
  std::optional<Seat> operator()(const NodeBeats& event) const { return event.seat; }
  std::optional<Seat> operator()(const BeatArrives& event) const { return event.seat; }
  std::optional<Seat> operator()(const RequestArrives& event) const { return event.seat; }
  std::optional<Seat> operator()(const TransferAsked& event) const { return event.seat; }
  std::optional<Seat> operator()(const ChangeAsked& event) const { return event.seat; }
  std::optional<Seat> operator()(const WriteNoticed& event) const { return event.seat; }
  std::optional<Seat> operator()(const DiskSpoke& event) const { return event.seat; }
  std::optional<Seat> operator()(const TimerFires& event) const { return event.seat; }
  std::optional<Seat> operator()(const OutputDue& event) const { return event.seat; }
  std::optional<Seat> operator()(const SnapshotSaved& event) const { return event.seat; }
  std::optional<Seat> operator()(const ChunkRead& event) const { return event.seat; }
  std::optional<Seat> operator()(const ChunkWritten& event) const { return event.seat; }
  std::optional<Seat> operator()(const SnapshotChecked& event) const { return event.seat; }
  std::optional<Seat> operator()(const InstallFailed& event) const { return event.seat; }
  std::optional<Seat> operator()(const ReleasesReported& event) const { return event.seat; }
  std::optional<Seat> operator()(const auto&) const { return std::nullopt; }
};

}  // namespace

Cluster::Cluster(const Swarm& swarm, std::ostream* trace)
    : swarm_(swarm),
      trace_(trace),
      network_(swarm.network, swarm.peers + swarm.spares, Dice(swarm.seed, network_part)),
      cleaning_dice_(swarm.seed, cleaning_part),
      quiet_dice_(swarm.seed, quiet_part),
      peer_dice_(swarm.seed, peer_part),
      client_dice_(swarm.seed, client_part),
      fault_dice_(swarm.seed, fault_part),
      read_dice_(swarm.seed, read_part),
      snapshot_dice_(swarm.seed, snapshot_part),
      unread_dice_(swarm.seed, unread_part) {
  cluster_ = {peer_dice_.next() | 1};
  for (Seat seat = 0; seat < swarm.peers + swarm.spares; ++seat) {
    const PeerId id{seat + 1};
    if (seat < swarm.peers)
      configuration_.voters.push_back({.id = id, .name = "p" + std::to_string(id.value)});
    peers_.push_back({.id = id, .disk = Disk(swarm.disk, Dice(swarm.seed, disk_part + seat))});
    events_.schedule(peer_dice_.between(Duration{0}, milliseconds(20)), PeerStarts{seat});
  }
  events_.schedule(milliseconds(5), AdminWakes{});
  events_.schedule(fault_dice_.between(Duration{0}, seconds(1)), FaultStrikes{});
  clients_.resize(swarm.clients.clients);
  for (std::size_t client = 0; client < clients_.size(); ++client)
    events_.schedule(client_dice_.between(Duration{0}, milliseconds(500)), ClientWakes{client, 0});
  start_watching();
  if (swarm.peers == 1)
    marks_.hit(Mark::single_peer);
}

void Cluster::run() {
  run_until(swarm_.chaos, [] { return false; });
  heal();
  run_until(now_ + recovery_max, [this] { return has_recovered(); });
  if (checker_.is_void())
    return;
  if (!violation_ && !has_recovered())
    fail("the healed cluster does not serve all its clients");
  clients_.clear();
  if (const auto broken = is_whole() ? history_.violation(marks_) : std::nullopt;
      broken && !violation_)
    fail(*broken);
  bury_a_voter();
  converge();
  prove_room();
  converge();
  prove_quiet();
  converge();
  if (!swarm_.engine.cleaning || is_over())
    return;
  // What a log with holes leads to shows when it is read from its beginning.
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    crash(seat, Duration{0});
  converge();
}

void Cluster::converge() {
  run_until(now_ + convergence_max, [this] { return has_converged(); });
  if (!violation_ && !has_converged())
    fail("the healed cluster does not converge");
  if (!violation_)
    check_recovered();
}

void Cluster::run_until(Time end, const std::function<bool()>& done) {
  while (!is_over() && !events_.empty() && events_.next_at() <= end && !done()) {
    now_ = std::max(now_, events_.next_at());
    events_.handle_next([this](Event& event) { handle(event); });
    if (checker_.violation())
      fail(*checker_.violation());
    if (events_.scheduled() > events_max)
      fail("the cluster spins");
  }
  if (!is_over() && !done())
    now_ = std::max(now_, end);
}

void Cluster::handle(Event& event) {
  std::visit(
      [&](auto& happening) {
        const auto seat = SeatOfProcess{}(happening);
        // What concerns a process that stands still waits for it.
        if (seat && peers_[*seat].paused)
          return peers_[*seat].missed.push_back(std::move(event));
        digest_ = mix(mix(digest_, event.index()), static_cast<std::uint64_t>(now_.count()));
        if constexpr (requires { happening.boot; })
          if (!peers_[happening.seat].is_up_since(happening.boot))
            return;  // Of another life.
        on(happening);
      },
      event);
}

void Cluster::fail(const std::string& what) {
  if (is_over())
    return;
  violation_ = what;
  note(0, [&] { return "VIOLATION " + what; });
}

std::optional<Seat> Cluster::seat_of(PeerId id) const {
  // Most sit where they began.
  if (id != nobody && id.value <= peers_.size() && peers_[id.value - 1].id == id)
    return id.value - 1;
  for (Seat seat = 0; seat < peers_.size(); ++seat)
    if (peers_[seat].id == id)
      return seat;
  return std::nullopt;
}

/// The operator who makes the first peer a cluster, and does not give up.
void Cluster::on(const AdminWakes&) {
  if (checker_.last_committed() > Index{})
    return;
  events_.schedule(now_ + milliseconds(50), AdminWakes{});
  Peer& first = peers_[swarm_.seed % swarm_.peers];
  if (!first.is_up() || first.paused)
    return;
  tick(first);
  // Refused if it has happened already; then only a leader is missing.
  const auto entry = first.engine->bootstrap(configuration_, cluster_);
  note(1, [&] { return "bootstrap: " + std::string(entry ? "ok" : name(entry.refusal())); });
  stepped(first);
  after_input(*seat_of(first.id));
}

/// Everything works from now on. What was on its way, and what is on the disks, stays.
void Cluster::heal() {
  note(2, [] { return std::string("healed"); });
  healed_ = true;
  network_.heal();
  for (Fault& fault : faults_)
    end(fault);
  for (Seat seat = 0; seat < peers_.size(); ++seat) {
    Peer& peer = peers_[seat];
    peer.disk.heal();
    work_on(seat);
    peer.clock.set_rate(now_, 1000);
    if (!peer.is_up())
      on(PeerStarts{seat});
    if (peer.paused)
      on(PeerResumes{seat});
    events_.schedule(now_, DiskSpoke{seat, peer.boot, false});
    if (peer.is_up()) {
      peer.timer_at = never;  // It was set by a clock that ran at another rate.
      arm_timer(seat);
    }
  }
}

bool Cluster::has_recovered() const {
  return std::ranges::all_of(clients_, [](const Client& client) {
    return client.rewarded > 0 && client.answered_reads > 0;
  });
}

/// All members have the same log and state. A removed peer need not have.
bool Cluster::has_converged() const {
  const std::vector<Seat> members = final_members();
  return !given_up_ && !members.empty() && std::ranges::all_of(members, [this](Seat seat) {
    const Peer& peer = peers_[seat];
    return peer.is_up() && peer.has_state && peer.state.applied == checker_.last_committed()
           && peer.engine->log().last().index == checker_.last_committed();
  });
}

void Cluster::check_recovered() {
  for (const Seat seat : final_members())
    if (const Peer& peer = peers_[seat]; peer.state != checker_.state_at(checker_.last_committed()))
      fail("peer " + std::to_string(peer.id.value) + " ends in another state");
  checker_.finished();
  if (checker_.violation())
    fail(*checker_.violation());
}

Verdict run_seed(std::uint64_t seed, Extent extent, std::ostream* trace) {
  return run_swarm(draw_swarm(seed, extent), trace);
}

Verdict run_swarm(const Swarm& swarm, std::ostream* trace) {
  Cluster cluster(swarm, trace);
  cluster.run();
  return {.violation = cluster.violation(),
          .marks = cluster.marks(),
          .digest = cluster.digest(),
          .events = cluster.events(),
          .simulated = cluster.now()};
}

}  // namespace troupe::sim
