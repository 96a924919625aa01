#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe {

/// Mistakes that could have been made where their names stand. The product has none of them:
/// `mutant` is constant there, and the compiler forgets the line. The simulator links a core in
/// which one can be switched on, and must find it; a simulator that does not find mistakes shows
/// nothing by finding none.
///
/// Each use is the whole condition of an `if` statement, beside the rule that it breaks: without
/// its lines the rule stands as it is meant. Sources alone use this, no header: what is inline must
/// be the same in both cores. Keep `mutant_names` in the same order.
enum class Mutant : std::uint8_t {
  none,

  // Elections.
  vote_without_log_check,    ///< For a candidate that may lack what is committed (§3.6.1).
  vote_twice,                ///< Two votes in one term (§3.4).
  vote_before_durable,       ///< The vote leaves before the disk has it (§3.8).
  vote_not_written,          ///< The vote is never handed to the disk.
  vote_forgotten,            ///< A restarted peer knows its term, and not its vote.
  candidacy_before_durable,  ///< Candidates ask before their own vote is durable.
  leads_before_durable,      ///< A single voter leads before its own vote is durable.
  pre_vote_counts,           ///< A late pre-vote is taken for a vote.
  older_vote_counts,         ///< A vote of an older term is counted in this one.
  half_elects,               ///< Of four voters two are a majority.
  half_commits,              ///< Likewise, of those who hold an entry.
  higher_term_ignored,       ///< A leader that is told of a higher term goes on (§3.3).
  term_not_written,          ///< A term that was heard of is not handed to the disk.
  pre_vote_moves_term,       ///< To ask for a pre-vote moves the term of who is asked (§9.6).
  bootstraps_twice,          ///< A peer that belongs to a cluster founds another.

  // Replication and commitment.
  previous_term_not_checked,    ///< A log agrees where only the index does (§3.5).
  conflict_kept,                ///< An entry that conflicts stays.
  match_truncated,              ///< An old request, come late, cuts off what agrees.
  accepts_before_durable,       ///< An acceptance leaves before the disk has the entries.
  accepts_own_last,             ///< A follower says that it agrees as far as its log reaches.
  commits_own_last,             ///< It counts as committed what the leader may not hold.
  leader_counts_undurable,      ///< The leader counts itself before its own disk has it.
  commits_old_terms,            ///< Commits by counting what an older leader left (figure 3.7).
  older_acceptance_counts,      ///< An acceptance of an older term moves the match.
  truncated_counts_as_durable,  ///< A late notice confirms what was truncated since.
  truncation_not_written,       ///< The disk keeps the tail that the log has lost.
  commit_goes_back,             ///< A late request lowers the commit index.
  applies_uncommitted,          ///< Entries are applied as soon as they are in the log.
  rejection_not_answered,       ///< A leader does not go back where a follower's log differs.

  // Membership.
  configuration_not_rolled_back,  ///< One that was truncated stays in force (§4.1).
  change_before_own_term,         ///< A change before the leader's term is committed (§4.1, 2015).
  next_step_before_commit,        ///< The next step of a change, before the last is committed.
  joint_commits_without_old,      ///< In a joint configuration the new voters commit alone (§4.3).
  joint_commits_without_new,      ///< Likewise the old ones.
  joint_elects_without_old,       ///< Likewise they elect.
  joint_elects_without_new,       ///< Likewise the old ones.
  change_jumps,                   ///< From any voters to any others without a joint configuration.
  joint_not_left,                 ///< A leader leaves a joint configuration to others.
  removed_leads_on,               ///< A leader that votes no more does not hand over (§4.2.2).
  single_step,  ///< One voter comes or goes in one step, and in a term without commits (2015).

  // Snapshots.
  snapshot_beside_conflict,      ///< A log that contradicts a leader's snapshot goes on behind it.
  log_restart_not_written,       ///< The disk keeps the log that a snapshot has replaced.
  snapshot_before_durable,       ///< A snapshot is acknowledged before the write that counts on it.
  later_configuration_in_place,  ///< A snapshot names a configuration of behind its end.
  corrupt_snapshot_installed,    ///< What arrived damaged is taken for whole.
  chunk_at_wrong_offset,         ///< A portion of a snapshot leaves for where another belongs.
  chunk_lost_unnoticed,          ///< One that was lost is not sent again.
  questions_pile_up,             ///< A disk is asked how far it is before it has answered.

  // Disks.
  opens_with_shorter_log,    ///< What a store cannot read is left out, and the rest is served.
  full_disk_takes_commands,  ///< A leader takes on what its full disk has no room for.
  full_disk_not_left,        ///< It leads on where others have room.
  full_disk_not_spoken_of,   ///< A follower does not say that its disk is full.

  // Disks that were set back (docs/decisions/0009).
  set_back_unproven,           ///< A leader takes no proof that a follower was set back.
  set_back_by_late_rejection,  ///< It takes a rejection for one that may have left long ago.
  set_back_still_counts,       ///< Acknowledgements of a peer that was set back count on.
  set_back_votes,              ///< Such a peer grants votes.
  set_back_campaigns,          ///< It asks for votes.
  set_back_not_written,        ///< It does not write down that it was.
  claims_what_was_sent,        ///< A leader claims that its follower acknowledged all it was sent.

  // Leases and reads at followers.
  transfer_keeps_lease,        ///< A leader that hands over still reads alone (§3.10).
  clock_error_ignored,         ///< A lease ends when its promises do, by the wrong clock (§6.4.1).
  promise_ends_with_term,      ///< A follower that hears of a new term is free at once.
  restart_frees,               ///< Likewise one that starts again.
  answer_covers_later_reads,   ///< A leader's answer counts for what was asked after it.
  answer_to_older_life,        ///< It counts for who asked before it crashed.
  read_index_before_own_term,  ///< A leader answers before it knows what is committed.
  lost_read_answered,          ///< A read that its leader will not answer is answered all the same.

  // Reads and transfers.
  read_without_round,    ///< Answered by a peer that only believes that it leads (§6.4).
  read_before_own_term,  ///< Before the leader knows what is committed (§6.4).
  read_by_older_answer,  ///< An answer to an older round confirms every read.
  read_at_applied,       ///< A read sees what is applied, not what is committed.
  transfer_never_ends,   ///< A transfer that fails leaves a leader that takes no writes.

  // Cleaning.
  tombstone_first,            ///< A tombstone becomes a hole before what it deleted does (§5.3).
  floor_ignored,              ///< Holes are made whatever followers have.
  tombstone_beside_snapshot,  ///< A tombstone becomes a hole that a snapshot needs.
  holes_sent_to_anyone,       ///< Also to who holds what a tombstone deleted.
  snapshot_over_own_log,      ///< A log from its beginning goes on behind another's snapshot.
  horizon_ignored,            ///< A state that never was is saved and read.

  // Quiet groups.
  silence_ignored,        ///< A quiet follower sleeps on when its leader's node is not heard.
  sleeps_while_one_lags,  ///< A leader is quiet though one of its followers lacks something.
  sleep_keeps_lease,      ///< A leader that slept holds that its followers' promises go on.
  strangers_wake,         ///< A removed peer keeps a quiescent group awake.

  // NOLINTNEXTLINE(readability-identifier-naming): none of them, only how many there are.
  count_,
};

inline constexpr std::size_t mutants_count = static_cast<std::size_t>(Mutant::count_);

#ifdef TROUPE_MUTANTS
/// Whether the mistake is made.
bool mutant(Mutant which);
/// From now on, in this process. `none` makes none.
void make_mistake(Mutant which);
std::string_view name(Mutant which);
#else
constexpr bool mutant(Mutant) {
  return false;
}
#endif

}  // namespace troupe
