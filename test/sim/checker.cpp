#include "test/sim/checker.hpp"

#include "core/invariants.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::sim {

void Checker::fail(PeerId peer, const std::string& what) {
  if (!violation_ && !void_)
    violation_ = peer == nobody ? what : "peer " + std::to_string(peer.value) + ": " + what;
}

bool Checker::holds(const Mirror& mirror, EntryId id) {
  return id == EntryId{}
         || (id.index.value >= 1 && id.index.value <= mirror.entries.size()
             && mirror.entries[id.index.value - 1].id == id);
}

/// What an engine has cut from its log it holds if it holds what is committed.
bool Checker::log_holds(const Log& log, EntryId id) const {
  return id.index < log.before().index ? is_committed(id) && is_committed(log.before())
                                       : log.contains(id);
}

void Checker::started(PeerId peer, const EngineView& view, const Log& log) {
  PeerRecord& record = peers_[peer];
  ++record.boots;
  record.standing = {view.role, view.hard_state};
  record.last_write = {};
  if (view.hard_state != record.hard_state)
    fail(peer, "starts with another hard state than was durable");
  if (log.last() != record.durable.last() || log.first() != record.durable.first)
    fail(peer, "starts with another log than was durable");
  const auto& snapshot = record.durable.snapshot;
  const Index covered = snapshot ? snapshot->place.id.index : Index{};
  if (view.commit != covered || view.applied != covered || view.snapshot != snapshot)
    fail(peer, "starts with something committed that its snapshot does not cover");
  check_configuration(view, log);
}

void Checker::crashed(PeerId peer) {
  PeerRecord& record = peers_[peer];
  record.standing.reset();
  record.handed = record.durable;
}

void Checker::stepped(const EngineView& before, const EngineView& now, const Log& log) {
  if (violation_ || void_)
    return;
  if (const auto broken = broken_invariant(before, now))
    fail(now.self, std::string(*broken));
  peers_[now.self].standing = {now.role, now.hard_state};
  check_vote(before, now);
  check_set_back(now);
  const bool led = before.role == Role::leader && before.hard_state.term == now.hard_state.term;
  if (before.role == Role::leader && now.role != Role::leader)
    marks_.hit(Mark::leader_stepped_down);
  if (now.last.index < before.last.index && now.last.index < before.commit)
    fail(now.self, "a committed entry was truncated");
  if (now.role == Role::leader && !led)
    elected(now, log);
  if (now.role == Role::leader) {
    leader_committed(before, now, log);
    check_matches(now, log);
  }
  if (now.commit != before.commit)
    follower_committed(now, log);
  check_configuration(now, log);
}

/// Nobody votes for a candidate whose log ends before its own (§3.6.1). Few runs come to grief
/// without this rule, because pre-votes apply it too: so it is checked by itself.
void Checker::check_vote(const EngineView& before, const EngineView& now) {
  const HardState& state = now.hard_state;
  if (state.voted_for == nobody || state.voted_for == now.self
      || (state.voted_for == before.hard_state.voted_for && state.term == before.hard_state.term))
    return;
  const auto candidacy = candidacies_.find({state.term, state.voted_for});
  if (candidacy == candidacies_.end())
    return fail(now.self, "votes for one who did not ask");
  if (candidacy->second < now.last)
    fail(now.self, "holds " + text(now.last) + " and votes for one whose log ends at "
                       + text(candidacy->second));
}

/// Election safety (§3.2), and leader completeness against what lower terms committed (§3.6.3).
void Checker::elected(const EngineView& now, const Log& log) {
  const Term term = now.hard_state.term;
  marks_.hit(elections_.empty() ? Mark::election_won : Mark::election_repeated);
  const auto [it, is_new] = elections_.try_emplace(term);
  Election& election = it->second;
  if (!is_new && (election.leader != now.self || election.boot != peers_[now.self].boots))
    return fail(now.self, "term " + std::to_string(term.value) + " has a leader already: peer "
                              + std::to_string(election.leader.value));
  election = {.leader = now.self, .boot = peers_[now.self].boots, .terms = {}};
  for (Index i{1}; i <= log.before().index; i = next(i))
    election.terms.push_back(committed_.at(i.value - 1).id.term);
  for (Index i = log.first(); i <= log.last().index; i = next(i))
    election.terms.push_back(log.term_at(i));
  if (log.last().term == term && log.last().index > log.first()
      && log.term_at(prev(log.last().index)) != term && prev(log.last().index) > last_committed())
    marks_.hit(Mark::old_term_entries_inherited);

  // Logs that agree in an entry agree before it, so the highest says it all.
  for (auto committed = committed_.rbegin(); committed != committed_.rend(); ++committed) {
    if (committed->in_term >= term)
      continue;
    if (!log_holds(log, committed->id))
      fail(now.self, "was elected in term " + std::to_string(term.value) + " without "
                         + text(committed->id) + ", committed in term "
                         + std::to_string(committed->in_term.value));
    return;
  }
}

void Checker::leader_committed(const EngineView& before, const EngineView& now, const Log& log) {
  if (now.commit == before.commit)
    return;
  const EntryId last{log.term_at(now.commit), now.commit};
  if (last.term != now.hard_state.term)
    return fail(now.self, "commits " + text(last) + " by counting, in term "
                              + std::to_string(now.hard_state.term.value));
  // Commitment comes before the next step of a change, which may be taken at once.
  check_held_by_quorum(before.configuration, last, now);
  if (!holds(peers_[now.self].durable, last))
    marks_.hit(Mark::commit_before_own_disk);
  for (Index i = next(before.commit); i <= now.commit; i = next(i))
    if (!record_commit(now, log, i))
      return;
}

/// State machine safety (§3.2): an index is committed with one entry.
bool Checker::record_commit(const EngineView& now, const Log& log, Index index) {
  const Entry& entry = log.at(index);
  if (index.value > committed_.size()) {
    State state = committed_.empty() ? State{} : committed_.back().state;
    const std::uint64_t before = committed_.empty() ? empty_digest : committed_.back().digest;
    state.apply(entry);
    committed_.push_back({.id = entry.id,
                          .in_term = now.hard_state.term,
                          .digest = chain(before, entry),
                          .state = state});
    if (const auto configuration = entry.kind == EntryKind::configuration
                                       ? decode_configuration(entry.payload.text())
                                       : std::nullopt)
      committed_configurations_[index] = {.id = entry.id, .configuration = *configuration};
    if (entry.kind == EntryKind::command) {
      Told& told = commands_[std::string(entry.payload.text())];
      if (told.committed)
        fail(now.self, "commits a command twice, at " + std::to_string(told.committed->value)
                           + " and " + std::to_string(index.value));
      told.committed = index;
      if (told.denied)
        fail(now.self, "commits a command that was denied, as " + text(entry.id));
    }
    return check_later_leaders(now, committed_.back());
  }
  Committed& committed = committed_[index.value - 1];
  if (committed.id != entry.id) {
    fail(now.self, "commits " + text(entry.id) + " where " + text(committed.id) + " was");
    return false;
  }
  if (now.hard_state.term >= committed.in_term)
    return true;
  committed.in_term = now.hard_state.term;
  return check_later_leaders(now, committed);
}

/// An old leader may learn late that its entry was committed; later leaders must hold it all the
/// same.
bool Checker::check_later_leaders(const EngineView& now, const Committed& committed) {
  for (auto it = elections_.upper_bound(committed.in_term); it != elections_.end(); ++it) {
    const auto& terms = it->second.terms;
    if (committed.id.index.value > terms.size()
        || terms[committed.id.index.value - 1] != committed.id.term) {
      fail(now.self, "commits " + text(committed.id) + " in term "
                         + std::to_string(committed.in_term.value) + ", which the leader of term "
                         + std::to_string(it->first.value) + " does not hold");
      return false;
    }
  }
  return true;
}

/// Nobody counts as committed what no leader has committed (§3.5, §3.6.2).
void Checker::follower_committed(const EngineView& now, const Log& log) {
  if (now.commit > last_committed())
    return fail(now.self, "counts index " + std::to_string(now.commit.value)
                              + " as committed, which no leader has committed");
  if (now.commit == Index{})
    return;
  const EntryId id{log.term_at(now.commit), now.commit};
  if (committed_[now.commit.value - 1].id != id)
    fail(now.self, "counts " + text(id) + " as committed where "
                       + text(committed_[now.commit.value - 1].id) + " was");
}

/// What a leader believes of a follower is true, unless the follower has moved on to another term.
void Checker::check_matches(const EngineView& now, const Log& log) {
  for (const auto& [peer, follower] : now.followers) {
    const auto it = peers_.find(peer);
    if (follower.match == Index{})
      continue;
    const bool is_cut = follower.match < log.before().index;
    const EntryId match = is_cut ? committed_.at(follower.match.value - 1).id
                                 : EntryId{log.term_at(follower.match), follower.match};
    if (it == peers_.end())
      return fail(now.self, "believes in a match of a peer that never ran");
    const PeerRecord& record = it->second;
    const bool moved_on =
        record.hard_state.term > now.hard_state.term
        || (record.standing && record.standing->hard_state.term > now.hard_state.term);
    const auto forgotten = forgotten_.find(peer);
    const bool held = forgotten != forgotten_.end() && holds(forgotten->second.log, match);
    if (!moved_on && !held && !holds(record.durable, match))
      return fail(now.self, "believes that peer " + std::to_string(peer.value) + " holds index "
                                + std::to_string(follower.match.value) + " durably");
  }
}

/// A snapshot's last entry is committed; else two peers could cover one index with two states.
bool Checker::begin_anew(PeerId peer, Mirror& mirror, const Write& write) {
  if (!write.snapshot || !is_committed(write.snapshot->place.id)) {
    fail(peer, "begins its log anew behind what was never committed");
    return false;
  }
  const Index covered = write.snapshot->place.id.index;
  if (holds(mirror, write.snapshot->place.id))
    fail(peer, "drops a log that holds all that a snapshot covers");
  mirror.entries.clear();
  for (std::size_t i = 0; i < covered.value; ++i)
    mirror.entries.push_back({committed_[i].id, committed_[i].digest});
  mirror.first = next(covered);
  return true;
}

/// It knows what the entries that may be cut knew besides commands: who was in the cluster (§5.1).
void Checker::take_over_snapshot(PeerId peer, Mirror& mirror, const SnapshotHead& head) {
  const SnapshotPlace& place = head.place;
  if (!is_committed(place.id) || !holds(mirror, place.id))
    return fail(peer, "counts on a snapshot at " + text(place.id) + ", which is not in its log");
  if (mirror.snapshot && mirror.snapshot->place.id.index > place.id.index)
    fail(peer, "goes back to an older snapshot");
  const auto after = committed_configurations_.upper_bound(place.id.index);
  const Placed in_force =
      after == committed_configurations_.begin() ? Placed{} : std::prev(after)->second;
  if (place.configuration_index != in_force.id.index
      || place.configuration != in_force.configuration)
    fail(peer, "has a snapshot at " + text(place.id) + " with " + text(place.configuration)
                   + " where " + text(in_force.configuration) + " was in force");
  mirror.snapshot = head;
}

void Checker::cut(PeerId peer, Mirror& mirror, Index before) {
  const Index covered = mirror.snapshot ? mirror.snapshot->place.id.index : Index{};
  if (before > next(covered) || before < mirror.first)
    fail(peer, "cuts its log before " + std::to_string(before.value) + ", and its snapshot covers "
                   + std::to_string(covered.value));
  mirror.first = before;
}

/// Log matching (§3.2): an id stands for one entry and for all before it.
void Checker::extend(PeerId peer, Mirror& mirror, const Write& write) {
  if (write.restart && !begin_anew(peer, mirror, write))
    return;
  auto& entries = mirror.entries;
  if (write.truncate_from) {
    if (*write.truncate_from < mirror.first)
      return fail(peer, "truncates what its snapshot covers");
    entries.resize(std::min(entries.size(), std::size_t{write.truncate_from->value - 1}));
  }
  for (const Entry& entry : write.entries) {
    if (entry.id.index.value != entries.size() + 1)
      return fail(peer, "writes " + text(entry.id) + " where its log ends at "
                            + std::to_string(entries.size()));
    if (entry.id.term < mirror.last().term)
      return fail(peer, "writes " + text(entry.id) + " behind " + text(mirror.last()));
    if (known_.size() < entry.id.index.value)
      known_.resize(entry.id.index.value);
    if (entry.kind == EntryKind::released) {
      // What was there is not to be seen any more; it was, somewhere, and it was committed.
      if (!is_committed(entry.id))
        return fail(peer, "has a hole at " + text(entry.id) + ", which was never committed");
      entries.push_back({.id = entry.id, .digest = committed_[entry.id.index.value - 1].digest});
      continue;
    }
    const std::uint64_t digest =
        chain(entries.empty() ? empty_digest : entries.back().digest, entry);
    const auto [known, is_new] =
        known_[entry.id.index.value - 1].try_emplace(entry.id.term, digest);
    if (!is_new && known->second != digest)
      return fail(peer, "has another " + text(entry.id) + " or another log before it");
    entries.push_back({.id = entry.id, .digest = digest});
  }
  for (const Index index : write.released)
    if (index > last_committed() || index >= next(mirror.last().index) || index < mirror.first)
      return fail(peer, "makes a hole of " + std::to_string(index.value)
                            + ", which is not in its log or not committed");
  if (write.snapshot)
    take_over_snapshot(peer, mirror, *write.snapshot);
  if (write.cut_before)
    cut(peer, mirror, *write.cut_before);
}

void Checker::handed(PeerId peer, const Write& write, const Log& log) {
  if (violation_)
    return;
  PeerRecord& record = peers_[peer];
  if (write.id.value != record.last_write.value + 1)
    fail(peer, "hands out write " + std::to_string(write.id.value) + " after "
                   + std::to_string(record.last_write.value));
  record.last_write = write.id;
  if (write.truncate_from && !record.handed.entries.empty()) {
    const std::size_t gone = record.handed.entries.size() + 1 - write.truncate_from->value;
    marks_.hit(gone > 1 ? Mark::truncation_of_many : Mark::truncation);
  }
  extend(peer, record.handed, write);
  // After a crash between the two writes the log would begin behind a snapshot that does not count.
  const auto& durable = record.durable.snapshot;
  if (write.cut_before && (!durable || *write.cut_before > next(durable->place.id.index)))
    fail(peer, "cuts its log behind a snapshot that is not durable");
  const EntryId last = record.handed.last();
  if (last != log.last())
    fail(peer, "hands out a log that ends at " + text(last) + " and has one that ends at "
                   + text(log.last()));
}

void Checker::durable(PeerId peer, const Write& write) {
  if (violation_)
    return;
  PeerRecord& record = peers_[peer];
  const HardState& hard_state = write.hard_state;
  if (hard_state.term < record.hard_state.term)
    fail(peer, "makes an older term durable");
  if (record.hard_state.cluster != ClusterId{} && hard_state.cluster != record.hard_state.cluster)
    fail(peer, "joins a second cluster");
  if (hard_state.term == record.hard_state.term && record.hard_state.voted_for != nobody
      && hard_state.voted_for != record.hard_state.voted_for)
    fail(peer, "changes its vote in a term");
  if (hard_state.voted_for != nobody) {
    const auto [vote, is_new] =
        durable_votes_.try_emplace({hard_state.term, peer}, hard_state.voted_for);
    if (!is_new && vote->second != hard_state.voted_for)
      fail(peer, "makes a second vote of a term durable");
  }
  record.hard_state = hard_state;
  extend(peer, record.durable, write);
}

}  // namespace troupe::sim
