#pragma once

#include "core/types.hpp"
#include "core/view.hpp"
#include "wire/packet.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::actors {

/// Which ids to log, of those that others name, which may be any: none twice in a row, and one a
/// minute at most.
class ToldIds {
public:
  /// Whether `id` is to be logged now. Then it counts as logged.
  bool is_news(PeerId id, Time now);

private:
  PeerId told_{};
  Time told_at_{};
};

/// Finds members whose disks were lost. An operator empties the directory of a node and starts the
/// peer there again under its old name: the node has a peer of that name with another id, which is
/// no member. All that the leader sees is that it does not hear the member.
///
/// So a leader asks the nodes of the members that it does not hear for the ids of these peers: at
/// first, then after pauses of one second up to one minute. It believes that a disk was lost when
/// it is told of the same other id again a second later: a peer that is about to take the place of
/// its member, by `--join`, needs less time. Answers may be forged. They decide nothing but what is
/// logged and shown. Takes time as a value.
class LostDisks {
public:
  struct Question {
    Member member{};
    PeerId expected{};  ///< As in `wire::AskIdentity`.
  };
  /// To be logged.
  struct Finding {
    Member member{};
    PeerId found{};  ///< The peer that runs in its place.
  };
  using IsUp = std::function<bool(const std::string& address)>;

  /// Forgets all members but those that we do not hear. `lost` is empty unless we lead.
  void keep(const std::map<PeerId, Time>& lost);
  /// Which members to ask for now, of those that we do not hear. `is_up`: whether the node at an
  /// address answers. Forgets all others.
  std::vector<Question> due(const std::map<PeerId, Time>& lost, const EngineView& view,
                            const IsUp& is_up, Time now);
  /// The node of `member` answered.
  std::optional<Finding> answered(PeerId member, const wire::Response& answer,
                                  const EngineView& view, Time now);
  /// Whether the disk of `member` was lost.
  bool contains(PeerId member) const;

private:
  struct Known {
    Time ask_at{};
    Duration pause{};  ///< After the next question.
    PeerId other{};    ///< That its node named last; `nobody` if it named none.
    Time other_at{};   ///< Since when.
    bool is_found = false;
    ToldIds told{};
  };
  std::map<PeerId, Known> members_{};
};

}  // namespace troupe::actors
