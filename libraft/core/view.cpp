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
