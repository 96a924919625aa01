#pragma once

#include "core/configuration.hpp"
#include "core/types.hpp"
#include "core/view.hpp"

#include <functional>
#include <string>
#include <variant>

namespace troupe::actors {

/// A peer became something else, or heard of another leader. An isolated peer tells of each attempt
/// to campaign.
struct RoleNews {
  std::string peer{};  ///< Name.
  Term term{};
  Role role = Role::follower;
  std::string leader{};  ///< "name@host:port"; empty if none is known.
  friend bool operator==(const RoleNews&, const RoleNews&) = default;
};

/// A configuration took effect (§4.1: when it is in the log, committed or not).
struct ConfigurationNews {
  std::string peer{};
  Configuration configuration{};
};

/// A leader has not heard a member for several election timeouts, or hears it again.
struct MemberNews {
  std::string peer{};  ///< The leader.
  Member member{};
  bool is_lost = false;
};

/// A leader found that the disk of a member was lost or set back to an older copy, or a peer found
/// that of its own. Operators alone can help: the log says how.
struct DiskNews {
  std::string peer{};
  Member member{};
};

/// The node cannot go on: its disk failed. It answers nothing any more.
struct FailureNews {
  std::string why{};
};

using News = std::variant<RoleNews, ConfigurationNews, MemberNews, DiskNews, FailureNews>;

/// Called on the thread of the node's connections, in the order in which things happened to a peer.
/// Must neither block nor throw, and may send messages to actors.
using OnNews = std::function<void(const News&)>;

}  // namespace troupe::actors
