#pragma once

#include "core/types.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actors {

/// As what a peer becomes a member.
enum class Rank : std::uint8_t { voter, learner, standby };

std::string_view name(Rank rank);

/// Which cluster a peer of this node is to be a member of.
struct JoinSettings {
  /// "host:port" of nodes that have members, or are about to. Empty: nothing is to be joined.
  std::vector<std::string> at{};
  std::string kind{};  ///< Of the resource.
  std::string peer{};  ///< Name of ours.
  Rank rank = Rank::voter;
  std::string cluster{};  ///< A member at `at`, where there are several clusters of that kind.
  /// A store that is corrupt or was set back is set aside, and the peer built from others.
  bool rebuild = false;

  bool wanted() const { return !at.empty(); }
};

/// What is wrong with `settings` alone; empty if nothing is.
std::string problem(const JoinSettings& settings);

/// Puts one request to the node at `address`. Ends within `timeout`.
using AskNode =
    std::function<wire::Response(std::string address, wire::Request request, Duration timeout)>;

/// Makes a peer of a node a member of a cluster, by asking nodes what an operator would ask them.
///
/// Starts the peer if need be, finds the cluster and its leader, and asks that for us: again and
/// again, whatever dies, until we are a member or it is clear that we cannot be. A peer that is one
/// already stays what it is. One whose disk was lost takes the place of its former self, in one
/// change; one that moved has its address changed.
///
/// The nodes that we were told of are asked first, also for a member: a peer of another cluster
/// than theirs fails, and so does a copy of a member that lives. A member whose nodes do not answer
/// goes on after a second; one that moved waits until a leader has recorded its address.
class Join {
public:
  /// `own_node` is the address of our node, as `ask` takes it.
  Join(JoinSettings settings, std::string own_node, AskNode ask);

  struct Outcome {
    enum class Kind : std::uint8_t {
      done,
      again,   ///< Not yet: go on after `pause`.
      failed,  ///< Never, as it was asked for.
    };
    Kind kind = Kind::again;
    std::string text{};  ///< For people.
    Duration pause{};
    /// Failed: our disk is an older copy of the one that the member at our address had. The peer
    /// can join with an empty one.
    bool old_disk = false;
  };

  /// One attempt, `passed` after the first. Bounded by a few seconds where nodes do not answer.
  Outcome attempt(Duration passed);

private:
  /// The peers of the nodes that we were told of.
  struct Found {
    bool answered = false;
    std::vector<std::string> names{};  ///< Of all peers there but ours.
    std::vector<std::string> kinds{};  ///< "p1 is a lock", of those of another kind.
    bool of_our_kind = false;
    bool has_ours = false;   ///< A member of our cluster is there, and does not run yet.
    std::string stranger{};  ///< The full name of a member of another cluster than ours.
    std::map<ClusterId, std::vector<std::string>> clusters{};  ///< Full names, by cluster.
    std::vector<std::string> one_of_each{};                    ///< Names.
    Configuration configuration{};                             ///< Of one of them.
  };
  /// A leader, and where it answers: the configuration may name its old address.
  struct Leader {
    wire::PeerStatus status{};
    std::string name{};
    std::string address{};
  };

  Outcome start_peer(Duration passed);
  Outcome check_before_start(const wire::Identity& identity, Duration passed);
  std::optional<Outcome> refusal_of_copy(const Member& self, const wire::Identity& identity);
  // join_search.cpp: where the cluster is, and which peer leads it.
  Outcome find_cluster(Duration passed);
  void look_at(const std::string& address, Found& found);
  void look_at(const std::string& name, const std::string& address, Found& found);
  void look_at_stopped(const std::string& name, const std::string& address, Found& found);
  Outcome judge(const Found& found, Duration passed);
  Outcome wait_for_cluster(const std::string& lack, Duration passed);
  Outcome find_leader(std::optional<Leader>& leader);
  std::optional<Leader> leader_known_to(const std::string& member);
  void learn_members(const Configuration& configuration);
  std::string places() const;
  // join.cpp
  Outcome join(const Leader& leader);
  Outcome join_as_member(const Leader& leader, const Member& self);
  std::optional<Outcome> refusal_of_old_disk(const Leader& leader, const Member& self);
  std::optional<Outcome> refusal_of_old_disk(const Leader& leader, const Member& self, Term term,
                                             Index last) const;
  Outcome ask(const Leader& leader, Rank rank);
  Outcome judge_answer(const Leader& leader, const wire::Response& response, Rank rank);
  Outcome done(Rank rank) const;
  Outcome progress(const Leader& leader);
  Outcome again(std::string text);
  wire::Response request(const std::string& address, wire::Request request, Duration timeout);
  std::optional<wire::PeerStatus> status_of(const std::string& peer, const std::string& address);
  std::optional<wire::Identity> identity_of(const std::string& peer, const std::string& address);

  JoinSettings settings_;
  std::string own_node_;
  AskNode ask_;
  PeerId id_{};                    ///< Of our peer, once it runs.
  std::optional<Rank> was_{};      ///< A member when we started, by its own log...
  bool moved_ = false;             ///< ...which names another address.
  ClusterId cluster_{};            ///< That our peer belongs to; 0 while it is to none.
  ClusterId found_{};              ///< The one to join; 0 until it is known.
  bool checked_ = false;           ///< The nodes that we were told of have it.
  Configuration configuration_{};  ///< As one of its members knows it.
  std::optional<Duration> clusterless_since_{};  ///< They answer, and have none.
  std::vector<std::string> members_{};           ///< Full names of those who may know its leader.
  bool lost_ = false;                            ///< None of them did.
  bool asked_ = false;                           ///< A leader, to take us in.
  Duration pause_{};
};

}  // namespace troupe::actors
