#include "test/sim/marks.hpp"

namespace troupe::sim {

namespace {

constexpr std::array<std::string_view, marks_count> mark_names = {
    "election_won",
    "election_repeated",
    "pre_vote_refused",
    "vote_refused",
    "vote_lost_by_crash",
    "entries_lost_by_crash",
    "write_survived_unnoticed",
    "crash_between_parts",
    "power_cut",
    "restarted",
    "paused",
    "leader_stepped_down",
    "truncation",
    "truncation_of_many",
    "late_persisted",
    "append_rejected",
    "commit_before_own_disk",
    "old_term_entries_inherited",
    "command_acknowledged",
    "command_in_doubt",
    "command_replaced",
    "command_redirected",
    "busy",
    "read_answered",
    "read_confirmed_with_others",
    "read_lost_on_step_down",
    "read_refused",
    "transfer_done",
    "transfer_given_up",
    "left_stalled_disk",
    "single_peer",
    "message_lost",
    "message_duplicated",
    "message_overtaken",
    "message_terms_late",
    "one_way_cut",
    "clogged",
    "change_refused",
    "change_done",
    "change_given_up",
    "joint_entered",
    "joint_left_by_another",
    "learner_caught_up",
    "leader_removed_itself",
    "configuration_rolled_back",
    "standby_promoted",
    "standby_took_over",
    "learner_took_over",
    "lease_read_answered",
    "lease_read_without_lease",
    "lease_lost_mid_read",
    "read_answered_by_follower",
    "read_lost_at_follower",
    "sequential_read_answered",
    "sequential_read_waited",
    "read_waited_for_horizon",
    "vote_refused_after_restart",
    "snapshot_taken",
    "snapshot_failed",
    "snapshot_sent",
    "snapshot_resumed",
    "snapshot_installed",
    "snapshot_of_joint",
    "snapshot_to_newcomer",
    "snapshot_arrived_corrupt",
    "snapshot_fetched_again",
    "snapshot_lost_at_sender",
    "snapshot_lost_at_start",
    "state_rebuilt_from_log",
    "state_fetched_again",
    "log_restarted",
    "log_kept_behind_snapshot",
    "log_cut",
    "log_cut_in_steps",
    "restarted_from_snapshot",
    "crash_before_snapshot_counts",
    "entry_cleaned",
    "tombstone_cleaned",
    "cleaned_beside_snapshot",
    "holes_sent",
    "snapshot_for_holes",
    "restarted_with_holes",
    "write_waited_for_room",
    "chunk_found_no_room",
    "command_found_no_room",
    "link_slowed",
    "clock_jumped",
    "clock_jumped_back",
    "deposed_led_again",
    "store_refused_to_open",
    "peer_rebuilt",
    "disk_set_back",
    "set_back_found_by_itself",
    "set_back_found_by_leader",
    "set_back_peer_replaced",
    "set_back_decided_unknowing",
    "leader_went_quiet",
    "follower_went_quiet",
    "woken_by_silence",
    "woken_by_vote",
    "quiet_leader_replaced",
    "full_followers_spared",
    "full_leader_replaced",
    "history_checked",
    "history_doubt_read",
};
static_assert(!mark_names.back().empty(), "one name for each mark");

}  // namespace

std::string_view name(Mark mark) {
  return mark_names.at(static_cast<std::size_t>(mark));
}

void Marks::add(const Marks& other) {
  for (std::size_t i = 0; i < marks_count; ++i)
    counts_[i] += other.counts_[i];
}

std::vector<Mark> Marks::missing() const {
  std::vector<Mark> missing;
  for (std::size_t i = 0; i < marks_count; ++i)
    if (counts_[i] == 0)
      missing.push_back(static_cast<Mark>(i));
  return missing;
}

}  // namespace troupe::sim
