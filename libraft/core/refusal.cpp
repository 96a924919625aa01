#include "core/refusal.hpp"

namespace troupe {

std::string_view name(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return "none";
    case Refusal::redirect:
      return "redirect";
    case Refusal::election_in_progress:
      return "election_in_progress";
    case Refusal::must_be_in_consensus_group:
      return "must_be_in_consensus_group";
    case Refusal::configuration_in_progress:
      return "configuration_in_progress";
    case Refusal::busy:
      return "busy";
    case Refusal::unknown_outcome:
      return "unknown_outcome";
    case Refusal::timeout:
      return "timeout";
    case Refusal::no_peer:
      return "no_peer";
    case Refusal::unreachable:
      return "unreachable";
    case Refusal::already_started:
      return "already_started";
    case Refusal::unknown_kind:
      return "unknown_kind";
    case Refusal::not_found:
      return "not_found";
    case Refusal::invalid:
      return "invalid";
    case Refusal::too_large:
      return "too_large";
    case Refusal::disk_failed:
      return "disk_failed";
    case Refusal::resource:
      return "resource";
    case Refusal::stopping:
      return "stopping";
    case Refusal::no_space:
      return "no_space";
    case Refusal::too_many_peers:
      return "too_many_peers";
  }
  return "unknown";
}

}  // namespace troupe
