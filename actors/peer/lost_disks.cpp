#include "actors/peer/lost_disks.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

namespace troupe::actors {
namespace {

/// The pauses between two questions about one member: each is twice the last one.
constexpr Duration pause_min = std::chrono::seconds(1);
constexpr Duration pause_max = std::chrono::minutes(1);

/// So long the same other peer must be there.
constexpr Duration confirm_after = std::chrono::seconds(1);

/// Of two lines about ids that others name.
constexpr Duration tell_interval = std::chrono::minutes(1);

/// At one time. The members that are left out are asked for next.
constexpr std::size_t questions_max = 64;

}  // namespace

bool ToldIds::is_news(PeerId id, Time now) {
  if (id == nobody || id == told_ || (told_ != nobody && now < told_at_ + tell_interval))
    return false;
  told_ = id;
  told_at_ = now;
  return true;
}

void LostDisks::keep(const std::map<PeerId, Time>& lost) {
  std::erase_if(members_, [&](const auto& known) { return !lost.contains(known.first); });
}

std::vector<LostDisks::Question> LostDisks::due(const std::map<PeerId, Time>& lost,
                                                const EngineView& view, const IsUp& is_up,
                                                Time now) {
  keep(lost);
  std::vector<Question> questions;
  if (view.changing)
    return questions;  // Another peer may be on its way to the place of a member.
  for (const auto& [peer, heard_at] : lost) {
    const Member* member = view.configuration.find(peer);
    if (member == nullptr)
      continue;
    Known& known = members_[peer];
    if (!is_up(member->address)) {
      known.ask_at = now;
      known.pause = pause_min;
      continue;
    }
    if (now < known.ask_at || questions.size() >= questions_max)
      continue;
    known.pause = std::clamp(known.pause, pause_min, pause_max);
    known.ask_at = now + known.pause;
    known.pause *= 2;
    questions.push_back(
        {.member = *member, .expected = known.other == nobody ? nobody : member->id});
  }
  return questions;
}

std::optional<LostDisks::Finding> LostDisks::answered(PeerId member, const wire::Response& answer,
                                                      const EngineView& view, Time now) {
  const auto found = members_.find(member);
  const Member* asked_for = view.configuration.find(member);
  if (found == members_.end() || asked_for == nullptr || view.changing)
    return std::nullopt;
  Known& known = found->second;
  const auto* identity = std::get_if<wire::Identity>(&answer.body);
  const PeerId other = identity == nullptr ? nobody : identity->id;
  if (answer.refusal == Refusal::no_peer || view.configuration.has_member(other)) {
    known.other = nobody;
    known.is_found = false;
    return std::nullopt;
  }
  if (other == nobody)
    return std::nullopt;  // It cannot say.
  if (const PeerId before = std::exchange(known.other, other); before != other) {
    known.other_at = now;
    if (before == nobody)
      known.ask_at = std::min(known.ask_at, now + confirm_after);
    return std::nullopt;
  }
  if (now < known.other_at + confirm_after)
    return std::nullopt;
  known.is_found = true;
  known.pause = pause_max;
  known.ask_at = now + pause_max;
  if (!known.told.is_news(other, now))
    return std::nullopt;
  return Finding{.member = *asked_for, .found = other};
}

bool LostDisks::contains(PeerId member) const {
  const auto known = members_.find(member);
  return known != members_.end() && known->second.is_found;
}

}  // namespace troupe::actors
