#include "core/mutant.hpp"

#ifdef TROUPE_MUTANTS

#include <array>

namespace troupe {
namespace {

Mutant made = Mutant::none;

constexpr std::array<std::string_view, mutants_count> mutant_names = {
    "none",
    "vote_without_log_check",
    "vote_twice",
    "vote_before_durable",
    "vote_not_written",
    "vote_forgotten",
    "candidacy_before_durable",
    "leads_before_durable",
    "pre_vote_counts",
    "older_vote_counts",
    "half_elects",
    "half_commits",
    "higher_term_ignored",
    "term_not_written",
    "pre_vote_moves_term",
    "bootstraps_twice",
    "previous_term_not_checked",
    "conflict_kept",
    "match_truncated",
    "accepts_before_durable",
    "accepts_own_last",
    "commits_own_last",
    "leader_counts_undurable",
    "commits_old_terms",
    "older_acceptance_counts",
    "truncated_counts_as_durable",
    "truncation_not_written",
    "commit_goes_back",
    "applies_uncommitted",
    "rejection_not_answered",
    "configuration_not_rolled_back",
    "change_before_own_term",
    "next_step_before_commit",
    "joint_commits_without_old",
    "joint_commits_without_new",
    "joint_elects_without_old",
    "joint_elects_without_new",
    "change_jumps",
    "joint_not_left",
    "removed_leads_on",
    "single_step",
    "snapshot_beside_conflict",
    "log_restart_not_written",
    "snapshot_before_durable",
    "later_configuration_in_place",
    "corrupt_snapshot_installed",
    "chunk_at_wrong_offset",
    "chunk_lost_unnoticed",
    "questions_pile_up",
    "opens_with_shorter_log",
    "full_disk_takes_commands",
    "full_disk_not_left",
    "full_disk_not_spoken_of",
    "set_back_unproven",
    "set_back_by_late_rejection",
    "set_back_still_counts",
    "set_back_votes",
    "set_back_campaigns",
    "set_back_not_written",
    "claims_what_was_sent",
    "transfer_keeps_lease",
    "clock_error_ignored",
    "promise_ends_with_term",
    "restart_frees",
    "answer_covers_later_reads",
    "answer_to_older_life",
    "read_index_before_own_term",
    "lost_read_answered",
    "read_without_round",
    "read_before_own_term",
    "read_by_older_answer",
    "read_at_applied",
    "transfer_never_ends",
    "tombstone_first",
    "floor_ignored",
    "tombstone_beside_snapshot",
    "holes_sent_to_anyone",
    "snapshot_over_own_log",
    "horizon_ignored",
    "silence_ignored",
    "sleeps_while_one_lags",
    "sleep_keeps_lease",
    "strangers_wake",
};

}  // namespace

bool mutant(Mutant which) {
  return which == made;
}

void make_mistake(Mutant which) {
  made = which;
}

std::string_view name(Mutant which) {
  return mutant_names[static_cast<std::size_t>(which)];
}

}  // namespace troupe

#endif
