#include "core/assert.hpp"
#include "core/engine.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace troupe {
namespace {

/// Rounds of reads that may wait for a quorum at one time.
constexpr std::size_t reads_max = 4096;

}  // namespace

Result<ReadId> Engine::start_read(ReadLevel level) {
  // Who may be behind needs no engine: it answers from what it has applied.
  TROUPE_ASSERT(level != ReadLevel::sequential);
  if (role_ != Role::leader)
    return refusal_of_non_leader();
  // Until an entry of our own term is committed we may not know of what our predecessors
  // committed (§6.4, step 1).
  if (commit_ < leading().term_start && !mutant(Mutant::read_before_own_term))
    return Refusal::election_in_progress;
  if (leading().reads.size() >= reads_max)
    return Refusal::busy;
  last_read_ = {last_read_.value + 1};
  leading().reads.push_back(
      {.id = last_read_, .index = mutant(Mutant::read_at_applied) ? applied_ : commit_});
  confirm_reads();  // Who decides alone has its quorum already.
  return last_read_;
}

/// A read is confirmed when a quorum has answered a message that left after it was asked for: then
/// no newer leader can have committed anything before (§6.4, step 3).
void Engine::confirm_reads() {
  Leading& lead = leading();
  if (lead.reads.empty())
    return;
  std::map<PeerId, Index> reached{{options_.self, {std::numeric_limits<std::uint64_t>::max()}}};
  for (const auto& [peer, progress] : lead.progress)
    reached[peer] = {progress.read().value};
  const ReadId upto{quorum_index(configuration(), reached).value};
  while (!lead.reads.empty()
         && (lead.reads.front().id <= upto || mutant(Mutant::read_without_round))) {
    const PendingRead read = lead.reads.front();
    lead.reads.pop_front();
    if (!reads_ready_.empty() && reads_ready_.back().index == read.index)
      reads_ready_.back().upto = read.id;
    else
      reads_ready_.push_back({.upto = read.id, .index = read.index});
  }
}

/// Reads leave behind the entries that they must see.
void Engine::take_reads(Output& out) {
  while (!reads_ready_.empty() && reads_ready_.front().index <= applied_) {
    out.reads.push_back(reads_ready_.front());
    reads_ready_.pop_front();
  }
}

}  // namespace troupe
