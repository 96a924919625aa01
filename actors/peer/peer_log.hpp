#pragma once

#include "actors/peer/news.hpp"
#include "actors/runtime/logger.hpp"
#include "core/types.hpp"
#include "core/view.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::actors {

/// What a peer tells operators, and the program around it, of its role, its quorum, its members and
/// its configuration: when it changes, and not as often as it happens. An isolated peer campaigns
/// several times a second and logs a few lines a minute. Takes time as a value.
class PeerLog {
public:
  using Write =
      std::function<void(LogLevel, std::string_view event, const std::vector<LogField>& fields)>;

  /// What may have held up a peer lately.
  struct Delays {
    Duration turn{};   ///< The longest turn.
    Duration flush{};  ///< The longest write to the store.
  };

  /// A member that a leader does not hear for `lost_after` is lost.
  PeerLog(std::string peer, Duration lost_after, OnNews on_news, Write write = log_fields)
      : peer_(std::move(peer)),
        lost_after_(lost_after),
        on_news_(std::move(on_news)),
        write_(std::move(write)) {}

  /// The engine said that its role changed. `leader`: the full name of the leader; empty if none.
  void on_role(const EngineView& view, const std::string& leader, Delays delays, Time now);
  /// Looks at members and configuration. Due at `look_at()`.
  void look(const EngineView& view, Time now);
  Time look_at() const { return look_at_; }
  /// The members that are lost, and when each was heard last. Empty unless we lead.
  const std::map<PeerId, Time>& lost() const { return lost_; }

private:
  void tell_role(const EngineView& view, const std::string& leader, Delays delays,
                 std::optional<std::uint64_t> repeated);
  void tell_quorum(const EngineView& view, Time now);
  void look_at_members(const EngineView& view, Time now);
  void look_at_configuration(const EngineView& view);

  std::string peer_;
  Duration lost_after_;
  OnNews on_news_;
  Write write_;

  // Of roles: those that were told since the term or the leader changed.
  Term term_{};
  std::string leader_{};
  unsigned told_roles_ = 0;  ///< A bit for each.
  std::uint64_t repeated_ = 0;
  Time role_told_at_{};
  RoleNews told_{};  ///< To the program.
  std::optional<Time> no_quorum_told_at_{};

  // While leading:
  Time look_at_{};
  Term leads_{};                   ///< The term; 0 if we do not lead.
  std::map<PeerId, Time> lost_{};  ///< Members, and when each was heard last.
  Index configuration_told_{};     ///< The entry of the last one that was told.
  bool configuration_changes_ = false;
};

}  // namespace troupe::actors
