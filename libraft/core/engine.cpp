#include "core/engine.hpp"

#include "core/assert.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe {

Engine::Engine(EngineOptions options, Recovered recovered, Time now)
    : options_(options),
      now_(now),
      timer_(options_),
      reads_(Random(~options_.seed).next()),
      snapshots_(options_, std::move(recovered.snapshot)),
      cutter_(options_),
      cleaner_(options_) {
  TROUPE_ASSERT(problem(options_).empty());
  hard_state_ = recovered.hard_state;
  if (mutant(Mutant::vote_forgotten))
    hard_state_.voted_for = nobody;
  log_ = Log(recovered.before);
  install_ = snapshots_.last();
  if (install_) {
    // Nothing that it covers is applied again.
    const SnapshotPlace& place = install_->place;
    configurations_.append(place.configuration_index, place.configuration);
    commit_ = applied_ = place.id.index;
  }
  if (mutant(Mutant::opens_with_shorter_log))
    if (recovered.entries.size() > 1)
      recovered.entries.pop_back();
  for (Entry& entry : recovered.entries) {
    adopt_configuration(entry);
    log_.append(std::move(entry));
  }
  TROUPE_ASSERT(log_.last().term <= hard_state_.term);
  TROUPE_ASSERT(install_ || log_.before() == EntryId{});
  TROUPE_ASSERT(!install_ || log_.contains(install_->place.id));
  writes_ = WriteQueue(log_.last().index);
  cleaner_.restart(applied_);
  reset_election_deadline();
  start_bound();
}

/// What we promised before the start is forgotten, and binds us: a leader may still count on it
/// (§6.4.1). So we behave as if we had heard one right now. A single voter that voted for itself
/// last is free, and has nobody to wait for: no other can have led since, without its vote.
void Engine::start_bound() {
  const bool alone = is_voter() && tally(configuration(), {{options_.self, true}}) == Tally::won;
  if (alone && hard_state_.voted_for == options_.self)
    timer_.expire(now_);
  else if (hard_state_.term > Term{})
    if (!mutant(Mutant::restart_frees))
      timer_.heard_leader(now_);
}

void Engine::step(const Input& input) {
  struct Handler {
    Engine& engine;
    void operator()(const Tick& tick) const { engine.on_tick(tick); }
    void operator()(const Message& message) const { engine.on_message(message); }
    void operator()(const Persisted& persisted) const { engine.on_persisted(persisted.write); }
    void operator()(const Disconnected& gone) const { engine.on_disconnected(gone.peer); }
    void operator()(const SnapshotTaken& taken) const {
      if (engine.snapshots_.finish(taken, engine.applied_, engine.now_))
        engine.record_snapshot(*taken.head);
    }
    void operator()(const ChunkStored& stored) const { engine.on_chunk_stored(stored); }
    void operator()(const SnapshotLost& lost) const { engine.on_snapshot_lost(lost); }
    void operator()(const Released& released) const {
      engine.cleaner_.report(released, engine.applied_, engine.log_);
    }
    void operator()(const DiskFull& news) const { engine.on_disk_full(news); }
    void operator()(const Silent& silent) const { engine.on_silent(silent.peer); }
  };
  std::visit(Handler{*this}, input);
}

Result<EntryId> Engine::propose(std::span<const Bytes> payloads) {
  TROUPE_ASSERT(!payloads.empty());
  wake();
  if (role_ != Role::leader)
    return refusal_of_non_leader();
  if (leading().transfer_to != nobody)
    return Refusal::election_in_progress;
  if (!has_room())
    return Refusal::no_space;
  std::size_t bytes = log_.bytes_from(next(commit_));
  for (const Bytes& payload : payloads) {
    if (payload.size() > options_.entry_bytes_max)
      return {Refusal::too_large, std::to_string(options_.entry_bytes_max)};
    bytes += entry_head_bytes + payload.size();
  }
  if (bytes > options_.uncommitted_bytes_max)
    return Refusal::busy;

  const EntryId first{hard_state_.term, next(log_.last().index)};
  for (const Bytes& payload : payloads)
    append(EntryKind::command, payload);
  return first;
}

Result<EntryId> Engine::bootstrap(Configuration configuration, ClusterId cluster) {
  TROUPE_ASSERT(cluster != ClusterId{});
  // Any trace of a cluster means that this peer belongs to it.
  const bool belongs = !this->configuration().empty() || hard_state_ != HardState{};
  if (belongs)
    if (!mutant(Mutant::bootstraps_twice))
      return role_ == Role::leader ? Refusal::redirect : refusal_of_non_leader();
  if (configuration.is_joint() || configuration.empty())
    return Refusal::invalid;
  configuration = normalized(std::move(configuration));
  const std::string bytes = encode(configuration);
  if (!decode_configuration(bytes))
    return Refusal::invalid;
  if (std::ranges::find(configuration.voters, options_.self, &Member::id)
      == configuration.voters.end())
    return Refusal::must_be_in_consensus_group;

  // Entry 1 is durable before anybody is asked for a vote, and so names the cluster for good: a
  // peer that crashes here never bootstraps twice. Nobody else can campaign in term 1, for nobody
  // else has a configuration.
  hard_state_ = {.term = {1}, .voted_for = options_.self, .cluster = cluster};
  writes_.hard_state_changed();
  append(EntryKind::configuration, Bytes::copy_of(bytes));
  role_ = Role::candidate;
  role_changed_ = true;
  role_change_ = {.cause = RoleCause::bootstrapped};
  state_ = Electing{.votes = {{options_.self, true}}};
  reset_election_deadline();
  ask_for_votes(VoteRequest{.last = log_.last(), .transfer = false});
  return EntryId{{1}, {1}};
}

Result<PeerId> Engine::transfer(PeerId to) {
  if (role_ != Role::leader)
    return refusal_of_non_leader();
  wake();
  Leading& lead = leading();
  // A peer that does not answer can't take over, however far it is.
  const auto fitness = [&](PeerId peer) {
    const Progress& progress = lead.followers.at(peer);
    const bool goes = peer == handed_over_ && now_ - lead.since < options_.election_timeout_max;
    // Nor one that has no state to serve from, or whose disk is full. The previous leader had a
    // reason to hand over, and most likely stops.
    return std::tuple(hears(progress), progress.wanted() == Index{}, !progress.disk_full(), !goes,
                      progress.match());
  };
  const auto better = [&](PeerId a, PeerId b) { return b == nobody || fitness(a) > fitness(b); };
  PeerId chosen = nobody;
  for (const auto& [peer, progress] : lead.followers)
    if (configuration().has_voter(peer) && !progress.is_set_back()
        && (to == nobody ? better(peer, chosen) : peer == to))
      chosen = peer;
  if (chosen == nobody)
    return Refusal::not_found;
  lead.transfer_to = chosen;
  lead.transfer_deadline = now_ + options_.election_timeout_max;
  lead.timeout_now_sent = false;
  continue_transfer();
  return chosen;
}

Time Engine::next_deadline() const {
  const Time own = may_campaign() ? timer_.deadline() : never;
  const Time ask =
      role_ == Role::follower ? reads_.ask_deadline(options_.heartbeat_interval) : never;
  const Time led = role_ == Role::leader ? leader_deadline() : own;
  return std::min({led, ask, cutter_.deadline(log_), cleaning_deadline()});
}

bool Engine::would_judge_silence(Time now) const {
  if (role_ == Role::leader)
    return !leading().asleep && !hears_quorum(now);
  return may_campaign() && now >= timer_.deadline();
}

EngineView Engine::view() const {
  EngineView view;
  this->view(view);
  return view;
}

void Engine::view(EngineView& into) const {
  const bool leads = role_ == Role::leader;
  // Logs that end in one entry are one log (§3.5), and have one configuration in force.
  if (into.last != log_.last() || into.configuration_index != configurations_.index())
    into.configuration = configuration();
  into.self = options_.self;
  into.role = role_;
  into.hard_state = hard_state_;
  into.leader = leader();
  into.role_change = role_change_;
  into.unheard = unheard_;
  into.first = log_.first();
  into.last = log_.last();
  into.commit = commit_;
  into.applied = applied_;
  into.persisted = writes_.persisted();
  into.written = writes_.taken();
  into.configuration_index = configurations_.index();
  into.changing = leads && (leading().change || configuration().is_joint());
  into.transfer_to = leads ? leading().transfer_to : nobody;
  into.disk_stalls = writes_.stalls(now_, options_.disk_stall_max);
  into.disk_full = disk_full_;
  into.leaving_disk = leads && leading().leaving_disk;
  view_followers(into.followers);
  into.snapshot = snapshots_.last();
  into.taking_snapshot = snapshots_.taking();
  into.receiving = receiver_.head();
  into.received_bytes = receiver_.upto();
  into.stateless = stateless_;
  into.quiet = is_quiet();
  into.read_rounds = reads_.rounds();
  into.holes = log_.holes_from(log_.first());
  into.holes_to_make = cleaner_.waiting();
  into.floor = clean_upto();
  into.dropped = dropped_;
}

void Engine::view_followers(PeerMap<FollowerView>& into) const {
  if (role_ != Role::leader)
    return into.clear();
  const auto& progress = leading().followers;
  const auto same = [](const auto& known, const auto& seen) { return known.first == seen.first; };
  if (!std::ranges::equal(progress, into, same)) {
    into.clear();
    for (const auto& [peer, known] : progress)
      into.emplace(peer, {});
  }
  auto seen = into.begin();
  for (const auto& [peer, known] : progress) {
    FollowerView& follower = (seen++)->second;
    known.view(follower);
    if (known.pace() != Pace::rest && (known.next() < log_.first() || holes_would_mislead(known)))
      follower.pace = Pace::snapshot;
  }
}

Refusal Engine::refusal_of_non_leader() const {
  TROUPE_ASSERT(role_ != Role::leader);
  return role_ == Role::follower ? Refusal::redirect : Refusal::election_in_progress;
}

/// The peer that a client should ask in our place; nobody while we are not sure.
PeerId Engine::known_leader() const {
  const auto* state = std::get_if<Following>(&state_);
  return state != nullptr && state->reachable ? state->leader : nobody;
}

/// Voters; and who is about to be none, until that is committed: the others may miss the last
/// configuration, and their logs are then too short to win without the votes of those who hold it
/// (§4.2.2). It does not count itself, though. Without a state a peer could not serve, and one
/// whose disk was set back lacks what was committed.
bool Engine::may_campaign() const {
  if (stateless_)
    return false;
  if (hard_state_.set_back)
    if (!mutant(Mutant::set_back_campaigns))
      return false;
  if (is_voter())
    return true;
  const Configuration* previous = configurations_.previous();
  return previous != nullptr && configurations_.index() > commit_
         && previous->has_voter(options_.self);
}

/// Appends an entry of our own: as leader, or when bootstrapping.
void Engine::append(EntryKind kind, Bytes payload) {
  const EntryId id{hard_state_.term, next(log_.last().index)};
  log_.append({.id = id, .kind = kind, .payload = std::move(payload)});
  adopt_configuration(log_.at(id.index));
}

/// A configuration is in force from the moment it is in the log (§4.1).
void Engine::adopt_configuration(const Entry& entry) {
  if (entry.kind != EntryKind::configuration)
    return;
  auto configuration = decode_configuration(entry.payload.text());
  TROUPE_ASSERT(configuration.has_value());
  configurations_.append(entry.id.index, *std::move(configuration));
  if (role_ == Role::leader)
    follow_members();
}

void Engine::advance_commit(Index to) {
  TROUPE_ASSERT(to <= log_.last().index);
  commit_ = std::max(commit_, to);
  if (mutant(Mutant::commit_goes_back))
    commit_ = to;
}

}  // namespace troupe
