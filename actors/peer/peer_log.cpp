#include "actors/peer/peer_log.hpp"

#include "actors/runtime/address.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::actors {

namespace {

/// How often it is told that something goes on as it was.
constexpr Duration repeat_interval = std::chrono::minutes(1);

/// How often a leader looks at its members.
constexpr Duration look_interval = std::chrono::milliseconds(100);

std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string name_of(const Configuration& configuration, PeerId peer) {
  const Member* member = configuration.find(peer);
  return member == nullptr ? "id:" + std::to_string(peer.value) : full_name(*member);
}

void append_name(std::string& names, const std::string& name) {
  if (!names.empty())
    names += ',';
  names += name;
}

std::string names_of(const std::vector<Member>& members) {
  std::string names;
  for (const Member& member : members)
    append_name(names, full_name(member));
  return names;
}

/// Whether those who answered, and we ourselves, are enough to decide.
bool has_quorum_without(const EngineView& view) {
  std::map<PeerId, bool> heard;
  for (const Member& member : view.configuration.members())
    if (std::ranges::find(view.unheard, member.id) == view.unheard.end())
      heard[member.id] = true;
  return tally(view.configuration, heard) == Tally::won;
}

bool is_campaign(RoleCause cause) {
  return cause == RoleCause::silence || cause == RoleCause::disconnected
         || cause == RoleCause::unanswered || cause == RoleCause::pre_vote_won;
}

}  // namespace

void PeerLog::on_role(const EngineView& view, const std::string& leader, Delays delays, Time now) {
  if (view.hard_state.term != term_ || leader != leader_) {
    term_ = view.hard_state.term;
    leader_ = leader;
    told_roles_ = 0;
    repeated_ = 0;
  }
  if (RoleNews news{peer_, term_, view.role, leader}; news != told_) {
    told_ = news;
    on_news_(std::move(news));
  }
  const unsigned role = 1U << static_cast<unsigned>(view.role);
  if ((told_roles_ & role) == 0) {
    told_roles_ |= role;
    role_told_at_ = now;
    tell_role(view, leader, delays, std::nullopt);
  } else if (++repeated_; now >= role_told_at_ + repeat_interval) {
    role_told_at_ = now;
    tell_role(view, leader, delays, std::exchange(repeated_, 0));
  }
  tell_quorum(view, now);
  look_at_ = now;
}

void PeerLog::tell_role(const EngineView& view, const std::string& leader, Delays delays,
                        std::optional<std::uint64_t> repeated) {
  const RoleChange& change = view.role_change;
  std::vector<LogField> fields{{"peer", peer_},
                               {"term", view.hard_state.term.value},
                               {"role", name(view.role)},
                               LogField::own("leader", leader),
                               {"why", name(change.cause)}};
  if (change.by != nobody)
    fields.push_back(LogField::own("by", name_of(view.configuration, change.by)));
  if (is_campaign(change.cause)) {
    fields.emplace_back("silent_ms", to_ms(change.silent));
    fields.emplace_back("late_ms", to_ms(change.late));
  }
  fields.emplace_back("turn_ms", to_ms(delays.turn));
  fields.emplace_back("flush_ms", to_ms(delays.flush));
  if (repeated)
    fields.emplace_back("repeated", *repeated);
  write_(LogLevel::info, "role", fields);
}

/// Once, and then once a minute.
void PeerLog::tell_quorum(const EngineView& view, Time now) {
  if (view.leader != nobody)
    return no_quorum_told_at_.reset();
  if (view.unheard.empty() || has_quorum_without(view)
      || (no_quorum_told_at_ && now < *no_quorum_told_at_ + repeat_interval))
    return;
  no_quorum_told_at_ = now;
  std::string names;
  for (const PeerId peer : view.unheard)
    append_name(names, name_of(view.configuration, peer));
  write_(
      LogLevel::warning, "no_quorum",
      {{"peer", peer_}, {"term", view.hard_state.term.value}, LogField::own("unreached", names)});
}

void PeerLog::look(const EngineView& view, Time now) {
  look_at_ = now + look_interval;
  const Term leads = view.role == Role::leader ? view.hard_state.term : Term{};
  if (leads != leads_) {
    leads_ = leads;
    lost_.clear();
    configuration_told_ = view.configuration_index;
    configuration_changes_ = view.changing;
  }
  if (leads == Term{}) {
    look_at_ = never;
    return;
  }
  look_at_members(view, now);
  look_at_configuration(view);
}

void PeerLog::look_at_members(const EngineView& view, Time now) {
  if (view.quiet)
    return;  // Nobody is listened to.
  for (const auto& [peer, follower] : view.followers) {
    if (!view.configuration.has_member(peer))
      continue;
    const bool is_lost = now - follower.heard_at >= lost_after_;
    const auto known = lost_.find(peer);
    if (is_lost == (known != lost_.end()))
      continue;
    const Time heard_at = is_lost ? follower.heard_at : known->second;
    write_(is_lost ? LogLevel::warning : LogLevel::info, is_lost ? "member_lost" : "member_back",
           {{"peer", peer_},
            {"term", view.hard_state.term.value},
            LogField::own("member", name_of(view.configuration, peer)),
            {"silent_ms", to_ms(now - heard_at)}});
    if (const Member* member = view.configuration.find(peer))
      on_news_(MemberNews{peer_, *member, is_lost});
    if (is_lost)
      lost_[peer] = heard_at;
    else
      lost_.erase(known);
  }
  std::erase_if(lost_,
                [&](const auto& lost) { return !view.configuration.has_member(lost.first); });
}

void PeerLog::look_at_configuration(const EngineView& view) {
  if (view.changing && !std::exchange(configuration_changes_, view.changing))
    write_(LogLevel::info, "configuration_changing",
           {{"peer", peer_}, {"term", view.hard_state.term.value}});
  const bool is_done =
      !view.changing && view.commit >= view.configuration_index && !view.configuration.is_joint();
  if (!is_done)
    return;
  configuration_changes_ = false;
  if (std::exchange(configuration_told_, view.configuration_index) == view.configuration_index)
    return;
  write_(LogLevel::info, "configuration_changed",
         {{"peer", peer_},
          {"term", view.hard_state.term.value},
          {"index", view.configuration_index.value},
          LogField::own("voters", names_of(view.configuration.voters)),
          LogField::own("learners", names_of(view.configuration.learners)),
          LogField::own("standbys", names_of(view.configuration.standbys))});
}

}  // namespace troupe::actors
