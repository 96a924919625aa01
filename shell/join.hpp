#pragma once

#include "core/types.hpp"
#include "shell/interpreter.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::shell {

/// As what a peer becomes a member.
enum class Rank : std::uint8_t { voter, learner, standby };

std::string_view name(Rank rank);

/// Which cluster a peer of this node is to be a member of.
struct JoinSettings {
  std::string at{};    ///< "host:port" of a node that has a member. Empty: nothing is to be joined.
  std::string kind{};  ///< Of the resource.
  std::string peer{};  ///< Name of ours.
  Rank rank = Rank::voter;
  std::string cluster{};  ///< A member at `at`, where there are several clusters of that kind.
  bool rebuild = false;   ///< A store that is corrupt is set aside, and the peer built from others.

  bool wanted() const { return !at.empty(); }
};

/// What is wrong with `settings` alone; empty if nothing is.
std::string problem(const JoinSettings& settings);

/// Makes a peer of a node a member of a cluster, by asking nodes what an operator would ask them.
///
/// Starts the peer if need be, finds the cluster and its leader, and asks that for us: again and
/// again, whatever dies, until we are a member or it is clear that we cannot be. A peer that is one
/// already stays what it is. One whose disk was lost takes the place of its former self, in one
/// change; one that moved has its address changed.
class Join {
public:
  /// `own_node` is where our node listens.
  Join(JoinSettings settings, std::string own_node, Nodes nodes);

  struct Outcome {
    enum class Kind : std::uint8_t {
      done,
      again,   ///< Not yet: go on after `pause`.
      failed,  ///< Never, as it was asked for.
    };
    Kind kind = Kind::again;
    std::string text{};  ///< For people.
    Duration pause{};
  };

  /// One attempt, `passed` after the first. Bounded by a few seconds where nodes do not answer.
  Outcome attempt(Duration passed);

private:
  Outcome start_peer();
  Outcome find_cluster();
  Outcome judge_peers(const std::vector<std::string>& names);
  Outcome find_leader(std::optional<wire::PeerStatus>& leader);
  Outcome join(const wire::PeerStatus& leader);
  Outcome ask(const wire::PeerStatus& leader, Rank rank);
  Outcome done(Rank rank) const;
  Outcome progress(const wire::PeerStatus& leader);
  Outcome again(std::string text);
  wire::Response request(const std::string& address, wire::Request request, Duration timeout);
  std::optional<wire::PeerStatus> status_of(const std::string& peer, const std::string& address);
  void learn_members(const Configuration& configuration);

  JoinSettings settings_;
  std::string own_node_;
  Nodes nodes_;
  PeerId id_{};                         ///< Of our peer, once it runs.
  std::optional<Rank> was_{};           ///< A member when we started, by its own log.
  ClusterId cluster_{};                 ///< That our peer belongs to; 0 while it is to none.
  ClusterId found_{};                   ///< The one to join; 0 until it is known.
  std::vector<std::string> members_{};  ///< Full names of those who may know its leader.
  bool lost_ = false;                   ///< None of them did.
  bool asked_ = false;                  ///< A leader, to take us in.
  Duration pause_{};
};

}  // namespace troupe::shell
