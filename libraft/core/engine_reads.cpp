#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <limits>

namespace troupe {
namespace {

/// Rounds of reads that may wait for a quorum, or for a leader, at one time.
constexpr std::size_t reads_max = 4096;

}  // namespace

Result<ReadId> Engine::start_read(ReadLevel level) {
  // Sequential reads bypass the engine: any peer answers them from its applied state.
  TROUPE_ASSERT(level != ReadLevel::sequential);
  stir();
  // A standby is sent nothing that it could answer from, nor is a peer whose disk was set back; a
  // peer may have lost what it was sent.
  if (role_ == Role::follower && known_leader() != nobody
      && configuration().keeps_log(options_.self) && !stateless_ && !hard_state_.set_back)
    return start_read_as_follower();
  if (role_ != Role::leader)
    return refusal_of_non_leader();
  // Until an entry of our own term is committed we may not know of what our predecessors
  // committed (§6.4, step 1).
  Leading& lead = leading();
  if (commit_ < lead.term_start && !mutant(Mutant::read_before_own_term))
    return Refusal::election_in_progress;
  if (lead.reads.size() >= reads_max)
    return Refusal::busy;
  last_read_ = {last_read_.value + 1};
  // Being ready includes all reads before: those that trust no clock must not be.
  const bool others_wait = !lead.reads.empty() && lead.reads.front().id <= lead.own_read;
  if (level == ReadLevel::lease && !others_wait && holds_lease()) {
    read_ready(last_read_, commit_);
    return last_read_;
  }
  lead.own_read = last_read_;
  lead.reads.push_back(
      {.id = last_read_, .index = mutant(Mutant::read_at_applied) ? applied_ : commit_});
  confirm_reads();  // A single voter has its quorum already.
  return last_read_;
}

/// Until when a quorum has promised to help nobody else to lead, by our own clock. `never` for who
/// decides alone: without us, who have not voted for another, nobody leads. Nothing if there is no
/// such time, or it has come. That the others count from when they heard us, and we from when we
/// spoke, is to our disadvantage only; clocks that do not run alike are not, so `clock_error` is
/// taken off (§6.4.1).
std::optional<Time> Engine::lease_until() const {
  if (role_ != Role::leader || !is_voter())
    return std::nullopt;
  const Leading& lead = leading();
  // The peer that we tell to campaign need not wait for any promise to end (§3.10).
  const bool hands_over = lead.transfer_to != nobody || lead.lease_lost;
  if ((hands_over && !mutant(Mutant::transfer_keeps_lease)) || commit_ < lead.term_start)
    return std::nullopt;
  const Time until = quorum_value(configuration(), never, [&](PeerId peer) {
    if (peer == options_.self)
      return never;
    const auto it = lead.progress.find(peer);
    return it == lead.progress.end() ? Time::min() : it->second.promised_until();
  });
  if (until == never)
    return never;
  const Duration error = mutant(Mutant::clock_error_ignored) ? Duration{} : options_.clock_error;
  return until > now_ + error ? std::optional(until - error) : std::nullopt;
}

bool Engine::holds_lease() const {
  return lease_until().has_value();
}

/// A read is confirmed when a quorum has answered a message that left after it was asked for: then
/// no newer leader can have committed anything before (§6.4, step 3).
void Engine::confirm_reads() {
  Leading& lead = leading();
  if (lead.reads.empty())
    return;
  PeerMap<Index> reached{{options_.self, {std::numeric_limits<std::uint64_t>::max()}}};
  for (const auto& [peer, progress] : lead.progress)
    reached[peer] = {progress.read().value};
  const ReadId upto{quorum_index(configuration(), reached).value};
  while (!lead.reads.empty()
         && (lead.reads.front().id <= upto || mutant(Mutant::read_without_round))) {
    const PendingRead read = lead.reads.front();
    lead.reads.pop_front();
    if (read.asker == nobody)
      read_ready(read.id, read.index);
    else
      send(read.asker,
           ReadIndexResponse{
               .upto = read.request.upto, .boot = read.request.boot, .index = read.index});
  }
}

void Engine::read_ready(ReadId upto, Index index) {
  if (!reads_ready_.empty() && reads_ready_.back().index == index)
    reads_ready_.back().upto = upto;
  else
    reads_ready_.push_back({.upto = upto, .index = index});
}

/// A peer that has lost its state has nothing to answer from, however far it had come.
bool Engine::may_answer_reads() const {
  return !stateless_ && !reads_ready_.empty() && reads_ready_.front().index <= applied_
         && is_mended();
}

/// Reads leave behind the entries that they must see.
void Engine::take_reads(Output& out) {
  while (may_answer_reads()) {
    out.reads.push_back(reads_ready_.front());
    reads_ready_.pop_front();
  }
}

/// What waits does not live to see another role, term or leader.
void Engine::lose_reads() {
  reads_ready_.clear();
  auto* state = std::get_if<Following>(&state_);
  if (state == nullptr)
    return;
  if (mutant(Mutant::lost_read_answered) && state->answered_read < last_read_)
    read_ready(last_read_, commit_);
  state->asked_read = state->answered_read = last_read_;
}

// ---- followers (§6.4): the leader says from where on, and we answer

Result<ReadId> Engine::start_read_as_follower() {
  Following& state = following();
  // A peer that does not campaign never learns that its leader is gone.
  if (now_ - *heard_leader_at_ >= options_.election_timeout_max)
    return Refusal::election_in_progress;
  if (last_read_.value - state.answered_read.value >= reads_max || reads_ready_.size() >= reads_max)
    return Refusal::busy;
  last_read_ = {last_read_.value + 1};
  return last_read_;
}

/// Reads that came after the last request are not covered by its answer; and either may be lost, or
/// the leader may not be able to say yet.
bool Engine::read_request_due() const {
  const auto* state = std::get_if<Following>(&state_);
  if (state == nullptr || state->answered_read == last_read_)
    return false;
  return state->asked_read < last_read_
         || now_ - state->asked_read_at >= options_.heartbeat_interval;
}

void Engine::ask_for_read_index() {
  Following& state = following();
  state.asked_read = last_read_;
  state.asked_read_at = now_;
  send(state.leader, ReadIndexRequest{.upto = last_read_, .boot = boot_});
}

/// As a read of our own. A follower that gets no answer asks again.
void Engine::on_read_index_request(const Message& message, const ReadIndexRequest& request) {
  if (role_ != Role::leader)
    return;
  Leading& lead = leading();
  const bool knows = commit_ >= lead.term_start || mutant(Mutant::read_index_before_own_term);
  const auto it = lead.progress.find(message.from);
  if (it == lead.progress.end() || it->second.is_set_back() || !knows
      || lead.reads.size() >= reads_max)
    return;
  last_read_ = {last_read_.value + 1};
  lead.reads.push_back(
      {.id = last_read_, .index = commit_, .asker = message.from, .request = request});
  confirm_reads();
}

void Engine::on_read_index_response(const Message& message, const ReadIndexResponse& response) {
  auto* state = std::get_if<Following>(&state_);
  const bool ours = response.boot == boot_ || mutant(Mutant::answer_to_older_life);
  if (state == nullptr || state->leader != message.from || !ours)
    return;
  if (response.upto > state->asked_read) {
    ++dropped_;
    return;
  }
  if (response.upto <= state->answered_read)
    return;
  const ReadId upto = mutant(Mutant::answer_covers_later_reads) ? last_read_ : response.upto;
  state->answered_read = upto;
  // The leader has committed as far; what we hold of its log is what it holds.
  advance_commit(std::min({response.index, state->agreed, log_.last().index}));
  read_ready(upto, response.index);
}

}  // namespace troupe
