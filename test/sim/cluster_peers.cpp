#include "test/sim/cluster.hpp"
#include "test/sim/codec.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::sim {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A timer of the operating system may be late by as much.
constexpr Duration timer_slack_max = microseconds(300);
/// How long a hesitating peer gathers inputs for one output.
constexpr Duration hesitation_max = milliseconds(2);
/// Where monotonic clocks start: some about to pass what 31 bits of milliseconds can count.
constexpr Duration clock_edge = milliseconds(std::int64_t{1} << 31) - std::chrono::seconds(3);

}  // namespace

void Cluster::on(const PeerStarts& event) {
  Peer& peer = peers_[event.seat];
  if (peer.is_up() || event.seat == buried_ || refuses_to_open(event.seat))
    return;
  if (peer.boot > 0)
    marks_.hit(Mark::restarted);
  ++peer.boot;
  peer.started_at = now_;
  if (has_quiet())
    nodes_[event.seat].outlives = false;
  const Time start =
      peer_dice_.permille(200) ? clock_edge : peer_dice_.between(Duration{0}, Duration(hours(1)));
  const auto rate = static_cast<std::int64_t>(
      peer_dice_.between(static_cast<std::uint64_t>(swarm_.clock_rate_min_permille),
                         static_cast<std::uint64_t>(swarm_.clock_rate_max_permille)));
  peer.clock = Clock(now_, start, healed_ ? 1000 : rate);
  EngineOptions options = swarm_.engine;
  options.self = peer.id;
  options.seed = peer_dice_.next();
  peer.engine.emplace(options, peer.disk.durable(), peer.clock.local(now_));
  peer.engine->view(peer.views[peer.latest]);
  note(3, [&] { return "start " + std::to_string(peer.id.value) + " " + text(peer.view()); });
  checker_.started(peer.id, peer.view(), peer.engine->log());
  arm_timer(event.seat);
  if (peer.view().holes > 0)
    marks_.hit(Mark::restarted_with_holes);
  if (peer.engine->has_output())
    after_input(event.seat);
}

void Cluster::crash(Seat seat, Duration away) {
  Peer& peer = peers_[seat];
  if (!peer.is_up())
    return;
  note(4, [&] { return "crash " + std::to_string(peer.id.value); });
  if (!peer.writing.empty() && peer.disk.idle())
    marks_.hit(Mark::write_survived_unnoticed);
  const HardState before = peer.disk.durable().hard_state;
  const Disk::Crash crash = peer.disk.crash();
  for (const Write& write : crash.survived)
    checker_.durable(peer.id, write);
  bool crashed_before_snapshot_counts = false;
  for (const Write& write : crash.lost) {
    crashed_before_snapshot_counts = crashed_before_snapshot_counts || write.snapshot;
    if (write.hard_state.voted_for != nobody && write.hard_state != before)
      marks_.hit(Mark::vote_lost_by_crash);
    if (!write.entries.empty())
      marks_.hit(Mark::entries_lost_by_crash);
  }
  checker_.crashed(peer.id);
  end_life(seat);
  const std::uint64_t boot = peer.boot;
  if (crashed_before_snapshot_counts)
    marks_.hit(Mark::crash_before_snapshot_counts);
  peer.snapshots.crash(snapshot_dice_);
  // What comes to a process that stands still is lost with it, but the node goes on when it is
  // back.
  const auto is_beat = [](const Event& event) { return std::holds_alternative<NodeBeats>(event); };
  if (std::ranges::any_of(peer.missed, is_beat))
    events_.schedule(now_, NodeBeats{seat});
  peer = {.id = peer.id,
          .disk = std::move(peer.disk),
          .snapshots = std::move(peer.snapshots),
          .rotten = peer.rotten,
          .boot = boot,
          .promised_at = peer.promised_at};
  events_.schedule(now_ + away, PeerStarts{seat});
}

void Cluster::pause(Seat seat, Duration length) {
  Peer& peer = peers_[seat];
  if (!peer.is_up() || peer.paused)
    return;
  note(5, [&] { return "pause " + std::to_string(peer.id.value); });
  marks_.hit(Mark::paused);
  peer.paused = true;
  events_.schedule(now_ + length, PeerResumes{seat});
}

void Cluster::on(const PeerResumes& event) {
  Peer& peer = peers_[event.seat];
  if (!peer.paused)
    return;
  note(6, [&] { return "resume " + std::to_string(peer.id.value); });
  peer.paused = false;
  const std::uint64_t boot = peer.boot;
  for (Event& missed : std::exchange(peer.missed, {})) {
    if (!peers_[event.seat].is_up_since(boot))
      return;
    handle(missed);
  }
}

void Cluster::on(MessageArrives& event) {
  Peer& peer = peers_[event.seat];
  const auto from = seat_of(event.message.from);  // Nothing for one that was given up.
  if (!peer.is_up())
    return from ? hear_node(event.seat, *from, event.life) : void();
  const Term term = event.message.term;
  if (term.value + 1 < peer.view().hard_state.term.value)
    marks_.hit(Mark::message_terms_late);
  note(7, [&] { return text(event.message); });
  const bool bound = is_bound_from_before(peer, event.message);
  peer.bound_asked = bound ? event.message.from : nobody;
  const bool slept = peer.view().quiet;
  const bool asks = std::holds_alternative<PreVoteRequest>(event.message.body);
  const bool wants = std::holds_alternative<VoteRequest>(event.message.body);
  step(event.seat, std::move(event.message));
  if (slept && !peer.view().quiet && asks)
    marks_.hit(Mark::woken_by_vote);
  if (bound && wants && peer.view().hard_state.term < term)
    marks_.hit(Mark::vote_refused_after_restart);
  if (from)
    hear_node(event.seat, *from, event.life);
}

void Cluster::on(const ConnectionBreaks& event) {
  if (peers_[event.seat].is_up())
    step(event.seat, Disconnected{event.peer});
}

void Cluster::on(const TransferAsked& event) {
  Peer& peer = peers_[event.seat];
  if (!peer.is_up())
    return;
  tick(peer);
  const auto to = peer.engine->transfer(event.to);
  note(8, [&] {
    return std::to_string(peer.id.value) + " transfers to " + std::to_string(event.to.value) + ": "
           + std::string(to ? "ok" : name(to.refusal()));
  });
  stepped(peer);
  if (to) {
    const Time over = peer.clock.local(now_) + swarm_.engine.election_timeout_max;
    events_.schedule(peer.clock.real(over) + milliseconds(1),
                     TransferJudged{event.seat, peer.boot, peer.view().hard_state.term});
  }
  after_input(event.seat);
}

void Cluster::on(const TransferJudged& event) {
  const Peer& peer = peers_[event.seat];
  if (peer.leads() && peer.view().hard_state.term == event.term)
    marks_.hit(Mark::transfer_given_up);
}

void Cluster::on(const WriteNoticed& event) {
  Peer& peer = peers_[event.seat];
  while (!peer.writing.empty() && peer.writing.front().id <= event.write) {
    if (!peer.engine->log().agrees(peer.writing.front().last))
      marks_.hit(Mark::late_persisted);
    if (const auto& snapshot = peer.writing.front().snapshot)
      peer.snapshots.forget_before(*snapshot);
    peer.writing.pop_front();
  }
  step(event.seat, Persisted{event.write});
}

void Cluster::on(const TimerFires& event) {
  Peer& peer = peers_[event.seat];
  if (!peer.is_up() || peer.timer != event.timer)
    return;
  peer.timer_at = never;
  if (peer.clock.local(now_) >= peer.engine->next_deadline()) {
    tick(peer);
    stepped(peer);
    after_input(event.seat);
  } else {
    arm_timer(event.seat);
  }
}

void Cluster::on(const OutputDue& event) {
  if (peers_[event.seat].output_due)
    perform_output(event.seat);
}

void Cluster::on(const WriteFinishes& event) {
  Peer& peer = peers_[event.seat];
  const std::vector<Write> writes = peer.disk.finish();
  for (const Write& write : writes)
    checker_.durable(peer.id, write);
  events_.schedule(now_ + peer.disk.notice_delay(),
                   WriteNoticed{event.seat, peer.boot, writes.back().id});
  work_on(event.seat);
}

/// What time alone brings about is looked at by itself: an input that comes with it may commit, and
/// then it matters which configuration was in force.
void Cluster::tick(Peer& peer, Duration unread) {
  peer.engine->step(Tick{.now = peer.clock.local(now_), .unread = unread});
  if (peer.engine->log().last() != peer.view().last)
    stepped(peer);
}

/// What comes may be stepped before all that came before it. In a quarter of the seeds it often is;
/// in the others always in order.
Duration Cluster::draw_unread() {
  if (swarm_.seed % 4 != 0 || unread_dice_.coin())
    return {};
  return unread_dice_.between(Duration{0}, 2 * swarm_.engine.election_timeout_max);
}

void Cluster::step(Seat seat, const Input& input) {
  Peer& peer = peers_[seat];
  tick(peer, draw_unread());
  peer.engine->step(input);
  stepped(peer);
  after_input(seat);
}

/// Looks at the engine as it is after an input, and tells the checker.
void Cluster::stepped(Peer& peer) {
  const std::size_t next = 1 - peer.latest;
  peer.engine->view(peer.views[next]);
  const EngineView& view = peer.views[next];
  if (view.role == Role::leader && peer.view().role != Role::leader)
    checker_.won(peer.id, view.hard_state.term, peer.view().configuration);
  checker_.stepped(peer.view(), view, peer.engine->log());
  const bool changed = view.role != peer.view().role || view.hard_state != peer.view().hard_state
                       || view.last != peer.view().last || view.commit != peer.view().commit;
  if (changed)
    note(9, [&] { return "  " + std::to_string(peer.id.value) + " " + text(view); });
  digest_ = mix(mix(digest_, view.hard_state.term.value), static_cast<std::uint64_t>(view.role));
  digest_ = mix(mix(digest_, view.last.index.value), view.commit.value);
  if (view.role == Role::leader && peer.view().role != Role::leader && peer.id == transfer_to_
      && view.hard_state.term.value == transfer_term_.value + 1)
    marks_.hit(Mark::transfer_done);
  if (view.leaving_disk && !peer.view().leaving_disk)
    leaving_disk_term_ = view.hard_state.term;
  if (view.role == Role::leader && peer.view().role != Role::leader && peer.id == transfer_to_
      && leaving_disk_term_ == transfer_term_
      && view.hard_state.term.value == transfer_term_.value + 1)
    marks_.hit(Mark::left_stalled_disk);
  judge_change(peer, view);
  check_quiet(peer, view);
  const bool elected = view.role == Role::leader && peer.view().role != Role::leader;
  peer.latest = next;
  if (elected) {
    check_leases(peer);
    ask_elected(peer);
  }
}

void Cluster::after_input(Seat seat) {
  Peer& peer = peers_[seat];
  if (peer.output_due)
    return;
  if (!healed_ && peer_dice_.permille(swarm_.hesitation_permille)) {
    peer.output_due = true;
    events_.schedule(now_ + peer_dice_.between(Duration{0}, hesitation_max),
                     OutputDue{seat, peer.boot});
    return;
  }
  perform_output(seat);
}

void Cluster::perform_output(Seat seat) {
  peers_[seat].output_due = false;
  while (peers_[seat].engine->has_output()) {
    Peer& peer = peers_[seat];
    const Index first = peer.view().first;
    Output output = peer.engine->take_output();
    if (is_whole())
      stepped(peer);  // Else what was taken shows with the next input: nothing was cut or cleaned.
    if (output.write && output.write->cut_before) {
      const std::uint64_t cut = peer.view().first.value - first.value;
      if (cut > swarm_.engine.cut_entries_max)
        return fail("one write cuts too much");
      marks_.hit(cut == swarm_.engine.cut_entries_max ? Mark::log_cut_in_steps : Mark::log_cut);
    }
    if (output.write)
      mark_cleaning(peer, *output.write);
    if (output.write)
      checker_.handed(peer.id, *output.write, peer.engine->log());
    if (!perform(seat, output))
      return;
  }
  arm_timer(seat);
}

/// Does what the engine asks, in its order. False if the peer crashed on the way.
bool Cluster::perform(Seat seat, Output& output) {
  const bool crashes = !healed_ && fault_dice_.permille(swarm_.faults.crash_between_parts_permille);
  if (!crashes) {
    parts_performed(seat, output, SIZE_MAX);
    return true;
  }
  const std::size_t parts = 6 + output.messages.size() + output.committed.size();
  parts_performed(seat, output, fault_dice_.below(parts));
  marks_.hit(Mark::crash_between_parts);
  crash(seat, fault_length());
  return false;
}

/// Performs at most so many parts: each message and each entry is one.
bool Cluster::parts_performed(Seat seat, Output& output, std::size_t parts_max) {
  Peer& peer = peers_[seat];
  std::size_t parts = 0;
  if (output.write) {
    if (parts++ >= parts_max)
      return false;
    write(seat, *std::move(output.write));
  }
  for (Message& message : output.messages) {
    if (parts++ >= parts_max)
      return false;
    send(seat, std::move(message));
  }
  if (parts++ >= parts_max)
    return false;
  if (output.install)
    install(peer, *output.install);
  for (const Entry& entry : output.committed) {
    if (parts++ >= parts_max)
      return false;
    apply(peer, entry);
  }
  report_released(seat);
  if (parts++ >= parts_max)
    return false;
  if (output.take_snapshot)
    take_snapshot(seat, *output.take_snapshot);
  if (!output.chunks_to_send.empty())
    send_chunks(seat, std::move(output.chunks_to_send));
  if (parts++ >= parts_max)
    return false;
  if (!output.chunks_to_store.empty())
    store_chunks(seat, std::move(output.chunks_to_store));
  if (output.check_snapshot)
    check_snapshot(seat, *output.check_snapshot);
  for (const ReadReady& ready : output.reads)
    answer_reads(peer, ready);
  if (output.role_changed)
    role_changed(peer);
  if (!output.set_back.empty())
    tell_set_back(peer, output.set_back);
  return true;
}

void Cluster::write(Seat seat, Write write) {
  Peer& peer = peers_[seat];
  note(10, [&] { return "  " + std::to_string(peer.id.value) + " " + text(write); });
  if (write.snapshot && peer.snapshots.find(write.snapshot->id()) == nullptr)
    return fail("a write counts on a snapshot that is not there");
  peer.writing.push_back(
      {.id = write.id,
       .last = peer.engine->log().last(),
       .snapshot = write.snapshot ? std::optional(write.snapshot->id()) : std::nullopt});
  peer.disk.submit(std::move(write));
  work_on(seat);
}

/// The disk begins with what waits for it, if it can.
void Cluster::work_on(Seat seat) {
  Peer& peer = peers_[seat];
  if (const auto latency = peer.disk.begin())
    events_.schedule(now_ + *latency, WriteFinishes{seat, peer.boot});
}

void Cluster::send(Seat seat, Message&& message) {
  if (auto* request = std::get_if<AppendRequest>(&message.body);
      request != nullptr && !swarm_.claims)
    request->acknowledged = {};
  checker_.sent(message);
  watch_promises(seat, message);
  mark_cleaning(message);
  if (const std::string problem = is_whole() ? refused_by_codec(message) : ""; !problem.empty())
    return fail("the codec refuses a message (" + problem + "): " + text(message));
  if (std::holds_alternative<TimeoutNow>(message.body)) {
    transfer_term_ = message.term;
    transfer_to_ = message.to;
  }
  const auto to = seat_of(message.to);
  if (!to && gone_.contains(message.to))
    return;
  if (!to)
    return fail("a message for a stranger: " + text(message));
  const Arrivals arrivals = network_.send({seat, *to}, now_, message, marks_);
  note(11 + arrivals.count,
       [&] { return "  " + text(message) + (arrivals.empty() ? " (lost or held)" : ""); });
  for (std::size_t i = 0; i < arrivals.count; ++i)
    events_.schedule(
        arrivals.at[i],
        MessageArrives{*to, i + 1 < arrivals.count ? message : std::move(message), life_of(seat)});
}

void Cluster::apply(Peer& peer, const Entry& entry) {
  if (!peer.has_state) {
    // A state that could not be read: what follows it cannot be applied, but all from the first.
    if (entry.id.index != Index{1})
      return;
    peer.has_state = true;
    marks_.hit(Mark::state_rebuilt_from_log);
  }
  if (peer.released.from == Index{})
    peer.released.from = entry.id.index;
  peer.released.upto = entry.id.index;
  for (const Release& release : peer.state.apply(entry)) {
    peer.released.releases.push_back(release);
    if (release.is_tombstone())
      tombstones_.insert(release.entry);
  }
  checker_.applied(peer.id, entry, peer.state);
  settle(peer, entry);
  answer_sequential_reads(peer);
}

/// Clients that wait for a leader that is none any more are told so.
void Cluster::role_changed(Peer& peer) {
  lose_reads(peer);
  if (swarm_.clients.patient)
    return;
  for (const WaitingProposal& proposal : peer.proposals) {
    marks_.hit(Mark::command_in_doubt);
    answer(proposal.request, Outcome::in_doubt, peer.view().leader);
  }
  peer.proposals.clear();
}

void Cluster::arm_timer(Seat seat) {
  Peer& peer = peers_[seat];
  const Time deadline = peer.engine->next_deadline();
  if (deadline == never)
    return;
  const Time slack = healed_ ? Duration{0} : peer_dice_.between(Duration{0}, timer_slack_max);
  const Time at = std::max(peer.clock.real(deadline), now_ + microseconds(1)) + slack;
  if (peer.timer_at <= at)
    return;
  peer.timer_at = at;
  events_.schedule(at, TimerFires{seat, ++peer.timer});
}

}  // namespace troupe::sim
