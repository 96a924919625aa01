#include "shell/settled.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace troupe;
using namespace troupe::shell;

namespace {

const Configuration one = normalized({.voters = {{{1}, "peer1", "a:1"}}});

/// A node whose peers are in the states that `peers` say; null for a stopped one.
Nodes node_with(std::map<std::string, std::optional<wire::PeerStatus>> peers) {
  return {
      .request =
          [peers = std::move(peers)](const std::string&, const wire::Request& request, Duration) {
            wire::Response response;
            std::vector<std::string> names;
            for (const auto& [name, _] : peers)
              names.push_back(name);
            if (std::holds_alternative<wire::AskPeers>(request.body))
              response.body = names;
            else if (const auto& status = peers.at(request.peer))
              response.body = *status;
            else
              response.refusal = Refusal::no_peer;
            return response;
          },
      .call = {}};
}

wire::PeerStatus peer(Role role, std::string leader, std::uint64_t commit, std::uint64_t last) {
  wire::PeerStatus status;
  status.role = role;
  status.leader = std::move(leader);
  status.commit = {commit};
  status.last = {.term = {1}, .index = {last}};
  status.configuration = one;
  return status;
}

}  // namespace

TEST_CASE("a node without peers, or with peers that wait for nobody, is settled") {
  CHECK(is_settled(node_with({}), "a:1"));
  CHECK(is_settled(node_with({{"stopped", std::nullopt}, {"without_cluster", wire::PeerStatus{}}}),
                   "a:1"));
}

TEST_CASE("a node is settled when its peers know their leaders, and leaders can be read from") {
  const wire::PeerStatus follower = peer(Role::follower, "peer2@b:1", 1, 2);
  const wire::PeerStatus leader = peer(Role::leader, "peer1@a:1", 2, 2);

  CHECK(is_settled(node_with({{"a", follower}, {"b", leader}}), "a:1"));
  CHECK_FALSE(
      is_settled(node_with({{"a", follower}, {"b", peer(Role::follower, "", 2, 2)}}), "a:1"));
  CHECK_FALSE(is_settled(node_with({{"a", peer(Role::leader, "peer1@a:1", 1, 2)}}), "a:1"));
}

TEST_CASE("a node that does not answer is not settled") {
  Nodes silent;
  silent.request = [](const std::string&, const wire::Request&, Duration) {
    return wire::Response{
        .id = 0, .refusal = Refusal::unreachable, .detail = "a:1", .body = std::monostate()};
  };

  CHECK_FALSE(is_settled(silent, "a:1"));
}
