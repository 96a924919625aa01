#include "test/sim/checker.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::sim {

namespace {

bool same_ids(const std::vector<Member>& a, const std::vector<Member>& b) {
  return std::ranges::equal(a, b, {}, &Member::id, &Member::id);
}

}  // namespace

// The rules of changing members (§4). The checker reads configurations from the logs itself: what
// the engine says is in force is compared with that.

bool Checker::is_committed(EntryId id) const {
  return id.index <= last_committed() && committed_[id.index.value - 1].id == id;
}

/// Takes in what is in the log since the last time; all of it, if it was truncated or began anew.
/// What stood before its first entry is then known from what was committed there.
void Checker::read_configurations(PeerRecord& record, const EngineView& now, const Log& log) {
  if (!log.contains(record.read_upto) || record.read_upto.index < log.before().index) {
    const bool rolled_back = std::ranges::any_of(
        record.configurations, [&](const auto& placed) { return !log.agrees(placed.second.id); });
    if (rolled_back)
      marks_.hit(Mark::configuration_rolled_back);
    record.configurations.clear();
    record.read_upto = log.before();
    const auto after = committed_configurations_.upper_bound(log.before().index);
    if (after != committed_configurations_.begin())
      record.configurations.insert(*std::prev(after));
  }
  for (Index i = next(record.read_upto.index); i <= log.last().index; i = next(i)) {
    const Entry& entry = log.at(i);
    if (entry.kind != EntryKind::configuration)
      continue;
    const auto configuration = decode_configuration(entry.payload.text());
    if (!configuration)
      return fail(now.self, "holds no configuration at " + text(entry.id));
    const Placed placed{.id = entry.id, .configuration = *configuration};
    if (!record.configurations.empty())
      check_successor(now, record.configurations.rbegin()->second, placed);
    if (now.role == Role::leader && entry.id.term == now.hard_state.term && i > Index{1})
      proposed_configuration(now, log, placed);
    record.configurations[i] = placed;
  }
  record.read_upto = log.last();
}

/// Only steps after which no two quorums miss each other (§4.3): voters never change but by way
/// of a joint configuration of before and after.
void Checker::check_successor(const EngineView& now, const Placed& before, const Placed& placed) {
  const Configuration& a = before.configuration;
  const Configuration& b = placed.configuration;
  bool safe = false;
  if (a.is_joint())
    safe = !b.is_joint() && same_ids(a.voters, b.voters);
  else
    safe = same_ids(a.voters, b.is_joint() ? b.old_voters : b.voters);
  if (!safe)
    fail(now.self, "goes from " + text(a) + " to " + text(b) + " at " + text(placed.id));
}

/// The leader has appended one. The flaw that was announced in 2015: not before an entry of its own
/// term is committed.
void Checker::proposed_configuration(const EngineView& now, const Log& log, const Placed& placed) {
  if (log.term_at(now.commit) != now.hard_state.term)
    fail(now.self, "proposes a configuration before it has committed in its term");
  const auto& earlier = peers_[now.self].configurations;
  if (earlier.empty())
    return;
  const Placed& before = earlier.rbegin()->second;
  if (before.id.index > now.commit)
    fail(now.self, "proposes a configuration before the last one is committed");
  const Configuration& a = before.configuration;
  const Configuration& b = placed.configuration;
  if (std::ranges::any_of(a.standbys,
                          [&](const Member& standby) { return b.keeps_log(standby.id); }))
    marks_.hit(Mark::standby_promoted);
  if (b.is_joint()) {
    marks_.hit(Mark::joint_entered);
    const bool promotes = std::ranges::any_of(a.learners, [&](const Member& learner) {
      return std::ranges::find(b.voters, learner.id, &Member::id) != b.voters.end();
    });
    if (promotes)
      marks_.hit(Mark::learner_caught_up);
  }
  if (a.is_joint() && before.id.term != placed.id.term)
    marks_.hit(Mark::joint_left_by_another);
  if (!b.has_voter(now.self))
    marks_.hit(Mark::leader_removed_itself);
}

void Checker::check_configuration(const EngineView& now, const Log& log) {
  PeerRecord& record = peers_[now.self];
  if (record.read_upto == now.last && !record.configurations.empty()
      && record.configurations.rbegin()->first == now.configuration_index)
    return;
  read_configurations(record, now, log);
  if (violation_)
    return;
  const auto& all = record.configurations;
  if (all.empty() && now.configuration_index == Index{})
    return;
  const Placed in_force = all.empty() ? Placed{} : all.rbegin()->second;
  if (now.configuration_index != in_force.id.index || now.configuration != in_force.configuration)
    return fail(now.self, "goes by " + text(now.configuration) + " where the last of its log is "
                              + text(in_force.configuration));
  // With two of them a quorum of one and a quorum of the other could miss each other (§4.1).
  if (all.size() > 1 && !is_committed(std::prev(all.end(), 2)->second.id))
    fail(now.self,
         "holds two configurations that are not committed, the last at " + text(in_force.id));
}

}  // namespace troupe::sim
