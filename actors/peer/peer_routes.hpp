#pragma once

#include "actors/transport/messages.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {

/// Where a peer's messages go. A peer of the same node is reached through the registry; one of
/// another node over a connection to the address that it wrote to us from: an address is an
/// attribute that may change, and the one that the configuration names may be another node's by
/// now. A member that wrote from its configured address, over whose link we write, is reached
/// there: a copy of it elsewhere changes nothing.
class Routes {
public:
  /// `own_address` is never dialed.
  explicit Routes(std::string own_address) : own_address_(std::move(own_address)) {}

  /// What follows returns the addresses to which a link is wanted from now on.
  std::vector<std::string> use(const Configuration& configuration, Time now);
  /// `peer` wrote to us from `address`, or lives there: a link that is down is worth dialing at
  /// once.
  std::vector<std::string> learn(PeerId peer, const std::string& address, Time now);
  /// `peer` wrote to us over `connection`, which says that it comes from the node at `address`.
  /// Anyone can say that: only where a member says so the address is dialed, if it does not answer
  /// where it should be, and seldom. Others are answered over their own connection.
  std::vector<std::string> hear(PeerId peer, const std::string& address, caf::actor connection,
                                Time now);
  /// The addresses whose links nobody needs any more: no member is there, and nobody spoke to us
  /// from there for a while. They are forgotten.
  std::vector<std::string> idle(Time now);

  /// Returns the peers that we know of, were reached through the registry and are not any more.
  std::vector<PeerId> use(SharedRegistry registry);
  /// Returns the messages that waited for this link.
  std::vector<Message> link_up(const std::string& address, caf::actor connection);
  /// Returns the peers that cannot be reached for the want of this link.
  std::vector<PeerId> link_down(const std::string& address);

  /// Whether the node at `address` answers, as far as we know. Ours does.
  bool is_up(const std::string& address) const;
  /// The peers that are, or were heard from, at `address`.
  std::vector<PeerId> at(const std::string& address) const;

  /// What to send where, so that `messages` reach their peers: frames for connections and messages
  /// for peers of this node. A message waits for a link that is being dialed: the first answer to a
  /// stranger is a vote, more often than not. Where there is no link it is lost; the protocol
  /// repeats it.
  struct Parcel {
    caf::actor to{};
    std::vector<Message> messages{};
    bool local = false;
  };
  std::vector<Parcel> sort(std::vector<Message> messages);

  const std::string& own_address() const { return own_address_; }

private:
  enum class LinkState : std::uint8_t { dialing, up, down };
  struct Link {
    LinkState state = LinkState::dialing;
    caf::actor connection{};       ///< While up.
    std::list<Message> waiting{};  ///< While dialing.
  };
  struct Target {
    caf::actor actor{};
    bool local = false;
  };
  Target linked(PeerId peer);
  Target target_of(PeerId peer);
  bool is_away(PeerId peer, const std::string& address);
  std::array<Link*, 2> links_to(PeerId peer);
  void wait_for_link(Message message);
  void want(const std::string& address, std::vector<std::string>& news);

  std::string own_address_;
  SharedRegistry registry_{};
  std::map<PeerId, std::string> configured_{};
  struct Learned {
    std::string address{};
    Time heard_at{};
    Time learned_at{};
  };
  std::map<PeerId, Learned> learned_{};
  std::set<PeerId> at_home_{};  ///< Wrote from the configured address, since its link is up.
  struct Back {
    caf::actor connection{};
    std::string address{};  ///< That the peer says its node is at.
    Time heard_at{};
  };
  std::map<PeerId, Back> back_{};  ///< Over which connection peers wrote to us.
  std::map<std::string, Link> links_{};
};

/// Messages for one connection as frames of a bounded size.
std::vector<wire::Frame> frames_of(std::vector<Message> messages);

}  // namespace troupe::actors
