#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

void tick(Subject& subject, Duration passed, Duration unread) {
  subject.now += passed;
  subject.step(Tick{.now = subject.now, .unread = unread});
}

void follow(Subject& follower, std::uint64_t leader) {
  follower.receive(leader, 1, AppendRequest{.previous = {{1}, {1}}, .commit = {1}});
}

TEST_CASE("a follower that was kept from running hears what waits before it campaigns") {
  Subject follower;
  follow(follower, 2);
  follower.forget();

  // It did not run for half a second; the leader's heartbeats of that time wait in a socket.
  tick(follower, 500ms, 500ms);
  CHECK(follower.engine.would_judge_silence(follower.now));
  CHECK(follower.role() == Role::follower);
  CHECK(follower.sent<PreVoteRequest>().empty());

  follow(follower, 2);
  tick(follower, 1ms, 1ms);
  CHECK_FALSE(follower.engine.would_judge_silence(follower.now));
  CHECK(follower.role() == Role::follower);
  CHECK(follower.sent<PreVoteRequest>().empty());
}

TEST_CASE("a follower campaigns as soon as all was read, and its leader was silent") {
  Subject follower;
  follow(follower, 2);
  tick(follower, 500ms, 500ms);
  REQUIRE(follower.role() == Role::follower);

  tick(follower, 1ms, 1ms);

  CHECK(follower.role() == Role::pre_candidate);
}

TEST_CASE("the silence of the time that is not read yet does not count") {
  Subject follower;
  follow(follower, 2);
  const Time deadline = follower.engine.next_deadline();

  tick(follower, deadline - follower.now + 5ms, 6ms);
  CHECK(follower.role() == Role::follower);
  tick(follower, 1ms, 6ms);
  CHECK(follower.role() == Role::pre_candidate);
}

TEST_CASE("a leader that was kept from running hears what waits before it steps down") {
  Subject leader;
  leader.become_leader();
  tick(leader, 500ms, 500ms);
  CHECK(leader.engine.would_judge_silence(leader.now));
  CHECK(leader.role() == Role::leader);

  leader.receive(2, 2, AppendResponse{.verdict = Accepted{{1}}, .read = {}});
  tick(leader, 1ms, 1ms);
  CHECK_FALSE(leader.engine.would_judge_silence(leader.now));
  CHECK(leader.role() == Role::leader);

  tick(leader, 500ms, {});
  CHECK(leader.role() == Role::follower);
}

TEST_CASE("no pre-vote is granted and no vote given while a leader's word may wait") {
  Subject follower;
  follow(follower, 2);
  tick(follower, 200ms, 200ms);
  follower.forget();

  follower.receive(3, 2, PreVoteRequest{.last = {{1}, {1}}});
  REQUIRE(follower.sent<PreVoteResponse>().size() == 1);
  CHECK_FALSE(follower.sent<PreVoteResponse>()[0].granted);
  follower.receive(3, 2, VoteRequest{.last = {{1}, {1}}});
  CHECK(follower.term() == Term{1});

  tick(follower, 1ms, 1ms);
  follower.forget();
  follower.receive(3, 2, PreVoteRequest{.last = {{1}, {1}}});
  REQUIRE(follower.sent<PreVoteResponse>().size() == 1);
  CHECK(follower.sent<PreVoteResponse>()[0].granted);
}

TEST_CASE("an engine says why it took its role") {
  Subject peer;
  follow(peer, 2);
  peer.tick(20ms);
  CHECK(peer.engine.view().role_change.cause == RoleCause::leader_heard);
  CHECK(peer.engine.view().role_change.by == PeerId{2});

  peer.become_pre_candidate();
  peer.tick(1ms);
  const RoleChange asks = peer.engine.view().role_change;
  CHECK(asks.cause == RoleCause::silence);
  CHECK(asks.silent >= options().election_timeout_min);
  CHECK(asks.late == 0ms);
  CHECK(peer.engine.view().unheard.empty());

  // Nobody answers in time.
  peer.become_pre_candidate();
  CHECK(peer.engine.view().role_change.cause == RoleCause::unanswered);
  CHECK(peer.engine.view().unheard == std::vector<PeerId>{{2}, {3}});

  peer.receive(2, 1, PreVoteResponse{.granted = true, .asked = {2}});
  CHECK(peer.engine.view().role_change.cause == RoleCause::pre_vote_won);
  peer.receive(2, 2, VoteResponse{.granted = true});
  CHECK(peer.engine.view().role_change.cause == RoleCause::elected);
  CHECK(peer.engine.view().unheard.empty());

  peer.tick(500ms);
  CHECK(peer.engine.view().role_change.cause == RoleCause::no_quorum);
  CHECK(peer.engine.view().unheard == std::vector<PeerId>{{2}, {3}});

  peer.receive(3, 7, VoteRequest{.last = {{9}, {9}}});
  CHECK(peer.engine.view().role_change.cause == RoleCause::voted);
  CHECK(peer.engine.view().role_change.by == PeerId{3});
}

TEST_CASE("an election that was called late says by how much") {
  Subject follower;
  follow(follower, 2);
  follower.tick(follower.engine.next_deadline() - follower.now + 70ms);
  CHECK(follower.role() == Role::pre_candidate);
  CHECK(follower.engine.view().role_change.late == 70ms);
}

TEST_CASE("a leader that handed over says so, and to whom") {
  Subject leader;
  leader.become_leader();
  leader.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {}});
  REQUIRE(leader.engine.transfer({2}));
  leader.settle();
  REQUIRE(leader.sent<TimeoutNow>().size() == 1);

  leader.receive(2, 3, VoteRequest{.last = {{2}, {2}}, .transfer = true});

  CHECK(leader.role() == Role::follower);
  CHECK(leader.engine.view().role_change.cause == RoleCause::handed_over);
  CHECK(leader.engine.view().role_change.by == PeerId{2});
}

}  // namespace
}  // namespace troupe::test
