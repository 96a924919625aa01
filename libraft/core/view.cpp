#include "core/view.hpp"

namespace troupe {

std::string_view name(Role role) {
  switch (role) {
    case Role::follower:
      return "follower";
    case Role::pre_candidate:
      return "pre_candidate";
    case Role::candidate:
      return "candidate";
    case Role::leader:
      return "leader";
  }
  return "unknown";
}

std::string_view name(RoleCause cause) {
  switch (cause) {
    case RoleCause::started:
      return "started";
    case RoleCause::bootstrapped:
      return "bootstrapped";
    case RoleCause::silence:
      return "silence";
    case RoleCause::disconnected:
      return "disconnected";
    case RoleCause::unanswered:
      return "unanswered";
    case RoleCause::pre_vote_won:
      return "pre_vote_won";
    case RoleCause::asked_to_lead:
      return "asked_to_lead";
    case RoleCause::elected:
      return "elected";
    case RoleCause::not_elected:
      return "not_elected";
    case RoleCause::voted:
      return "voted";
    case RoleCause::leader_heard:
      return "leader_heard";
    case RoleCause::higher_term:
      return "higher_term";
    case RoleCause::no_quorum:
      return "no_quorum";
    case RoleCause::handed_over:
      return "handed_over";
    case RoleCause::left_disk:
      return "left_disk";
    case RoleCause::state_lost:
      return "state_lost";
  }
  return "unknown";
}

std::string_view name(Pace pace) {
  switch (pace) {
    case Pace::probe:
      return "probe";
    case Pace::replicate:
      return "replicate";
    case Pace::rest:
      return "rest";
    case Pace::snapshot:
      return "snapshot";
  }
  return "unknown";
}

}  // namespace troupe
