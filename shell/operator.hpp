#pragma once

#include "actors/client/client.hpp"
#include "wire/packet.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::shell {

/// Does for the peers of one cluster what a person does at a shell, and waits until it is done: for
/// programs that set up a cluster on their own. Throws `std::runtime_error` where something is
/// refused, or takes longer than twenty seconds.
class Operator {
public:
  /// Full names: "peer1@127.0.0.1:4001".
  explicit Operator(std::vector<std::string> peers) : peers_(std::move(peers)) {}

  const std::vector<std::string>& peers() const { return peers_; }

  /// Until the node at `address` answers. `goes_on` throws when there is no hope.
  void wait_for_node(const std::string& address, const std::function<void()>& goes_on = {});

  using StartOptions = std::vector<std::pair<std::string, std::string>>;
  void start_peer(const std::string& peer, const std::string& kind,
                  const StartOptions& options = {});
  /// Each of the peers, and one configuration of all.
  void bootstrap(const std::string& kind, const StartOptions& options = {});
  void set_configuration(const std::vector<std::string>& members,
                         std::chrono::milliseconds timeout = std::chrono::seconds(20));
  /// Has `peer` lead.
  void transfer_to(const std::string& peer);

  /// The leader, as any peer but `except` tells; waits for one.
  std::string leader(const std::string& except = {});
  /// All zero if it does not answer.
  wire::PeerStatus status(const std::string& peer);
  /// Waits until `peer` has applied all that the leader had committed when asked.
  void wait_until_caught_up(const std::string& peer);

  /// One question to one peer, as `actors::Client::request`.
  wire::Response ask(const std::string& peer, wire::Request request,
                     std::chrono::milliseconds timeout = std::chrono::seconds(3));

private:
  actors::Client client_{};
  std::vector<std::string> peers_;
};

/// "127.0.0.1:4001" of "peer1@127.0.0.1:4001", and "peer1".
std::string address_of(const std::string& full_name);
std::string peer_name_of(const std::string& full_name);

}  // namespace troupe::shell
