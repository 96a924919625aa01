#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

namespace troupe::actors::test {
namespace {

using std::chrono::milliseconds;

/// A follower of peer 2, which has said that there is nothing to do.
struct QuietFollower : PeerStage {
  QuietFollower() : PeerStage(founded(3)) {
    connect();
    hear({2}, {2},
         AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .sent_at = Time{5}, .quiet = true});
    still.run();
    // The answer waits until the term is durable; the second is the one that counts.
    hear({2}, {2},
         AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .sent_at = Time{6}, .quiet = true});
    still.run();
  }
  bool quiet() { return std::get<wire::PeerStatus>(ask(wire::AskStatus{}).body).quiet; }
  bool asked_for_votes() const { return last_to_second<PreVoteRequest>() != nullptr; }
};

TEST_CASE("a quiet peer does nothing, for however long") {
  QuietFollower peer;
  CHECK(peer.quiet());

  peer.still.pass(milliseconds(5000));

  CHECK(peer.quiet());
  CHECK_FALSE(peer.asked_for_votes());
}

TEST_CASE("a quiet peer whose leader's node is in doubt waits for an election timeout") {
  QuietFollower peer;
  peer.still.pass(milliseconds(5000));

  SUBCASE("where it is by the configuration") {
    send_from_outside(peer.peer, NodeInDoubt{address_of({2})});
  }
  SUBCASE("where the connection is lost") {
    send_from_outside(peer.peer, LinkDown{address_of({2})});
    peer.still.run();
    send_from_outside(peer.peer, LinkUp{address_of({2}), peer.second.actor});
  }
  peer.still.run();
  CHECK_FALSE(peer.quiet());
  peer.still.pass(milliseconds(300));

  CHECK(peer.asked_for_votes());
}

TEST_CASE("a quiet peer sleeps on when another node than its leader's is in doubt") {
  QuietFollower peer;

  send_from_outside(peer.peer, NodeInDoubt{address_of({3})});
  send_from_outside(peer.peer, NodeInDoubt{"elsewhere:1"});
  peer.still.pass(milliseconds(1000));

  CHECK(peer.quiet());
}

}  // namespace
}  // namespace troupe::actors::test
