#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>

// Leases (§6.4.1): what a leader may make of its followers' promises, and how they keep them.

namespace troupe::test {

using std::chrono::milliseconds;

namespace {

const Duration timeout = options().election_timeout_min;
const Duration error = options().clock_error;

/// The follower has all of the log, and promises what `sent_at` began.
void answer(Subject& peer, std::uint64_t from, Time sent_at, Duration promised = timeout) {
  peer.receive(from, peer.term().value,
               AppendResponse{.verdict = Accepted{peer.engine.log().last().index},
                              .read = {},
                              .sent_at = sent_at,
                              .promised = promised});
}

/// Of voters 1, 2 and 3, in term 2, with its no-op committed and a lease that began at its `now`.
Subject leader_with_lease() {
  Subject peer;
  peer.become_leader();
  answer(peer, 2, peer.now);
  peer.forget();
  return peer;
}

bool reads_at_once(Subject& peer) {
  peer.forget();
  const auto read = peer.engine.start_read(ReadLevel::lease);
  REQUIRE(read);
  peer.settle();
  return !peer.reads.empty() && peer.reads.back().upto == *read;
}

AppendRequest heartbeat(Time sent_at = Time(5)) {
  return {.previous = {{1}, {1}}, .sent_at = sent_at};
}

}  // namespace

TEST_CASE("a lease read needs no message, and sees all that is committed") {
  Subject peer = leader_with_lease();

  CHECK(reads_at_once(peer));

  CHECK(peer.messages.empty());
  CHECK(peer.reads[0].index == peer.commit());
}

TEST_CASE("a lease ends when the quorum's promises end, less what clocks may err") {
  Subject peer = leader_with_lease();
  const Time began = peer.now;
  CHECK(peer.engine.lease_until() == began + timeout - error);

  peer.tick(timeout - error - Duration(1));
  CHECK(reads_at_once(peer));
  peer.tick(Duration(1));
  CHECK(!reads_at_once(peer));
  CHECK(!peer.engine.lease_until());

  // It asks a quorum, then.
  const auto round = peer.sent<AppendRequest>();
  REQUIRE(!round.empty());
  peer.receive(2, 2,
               AppendResponse{.verdict = Accepted{{2}},
                              .read = round.back().read,
                              .sent_at = peer.now,
                              .promised = timeout});
  CHECK(peer.reads.size() == 1);
  CHECK(reads_at_once(peer));
}

TEST_CASE("a lease is never longer than what a follower sticks to it, nor than our own timeout") {
  Subject peer = leader_with_lease();
  const Time began = peer.now;
  peer.tick(milliseconds(100));

  answer(peer, 2, peer.now, milliseconds(60));
  CHECK(peer.engine.lease_until() == peer.now + milliseconds(60) - error);
  answer(peer, 2, peer.now, std::chrono::hours(1));
  CHECK(peer.engine.lease_until() == peer.now + timeout - error);

  // Nor shorter: an older promise holds, whatever comes after it.
  answer(peer, 2, began, milliseconds(60));
  CHECK(peer.engine.lease_until() == peer.now + timeout - error);
}

TEST_CASE("a promise that is longer than time itself, or from the future, counts for nothing") {
  Subject peer;
  peer.become_leader();
  answer(peer, 2, Time::max());
  answer(peer, 2, peer.now + Duration(1));
  answer(peer, 2, Time::min(), Duration::max());
  CHECK(!peer.engine.lease_until());

  answer(peer, 2, peer.now, Duration::max());
  CHECK(peer.engine.lease_until() == peer.now + timeout - error);
}

TEST_CASE("a lease needs a quorum of both sets of voters while a change is under way (§4.3)") {
  Configuration with_learner = voters({1, 2, 3});
  with_learner.learners = voters({4}).voters;
  Subject peer({configuration_entry(1, 2, with_learner)});
  peer.become_leader();
  for (const std::uint64_t id : {2u, 3u, 4u})  // They promise nothing yet.
    peer.receive(id, 2, AppendResponse{.verdict = Accepted{{3}}});
  answer(peer, 4, peer.now);
  CHECK(!peer.engine.lease_until());  // A learner's promise counts when it votes.
  Configuration target = voters({1, 2});
  target.learners = voters({3, 4}).voters;
  REQUIRE(peer.engine.change_configuration(target));
  peer.settle();
  REQUIRE(peer.engine.configuration().is_joint());
  const auto promise = [&](std::uint64_t from) {
    peer.receive(
        from, 2,
        AppendResponse{.verdict = Accepted{{3}}, .sent_at = peer.now, .promised = timeout});
  };

  promise(3);
  CHECK(!peer.engine.lease_until());
  promise(2);
  CHECK(peer.engine.lease_until());
}

TEST_CASE("who decides alone needs nobody's promise") {
  Subject alone({}, {.term = {1}, .voted_for = self}, voters({1}));
  alone.settle();
  REQUIRE(alone.role() == Role::leader);

  CHECK(alone.engine.lease_until() == never);
  alone.tick(std::chrono::hours(1));
  CHECK(reads_at_once(alone));
}

TEST_CASE("where clocks may err by a whole timeout there are no leases") {
  EngineOptions blind = options();
  blind.clock_error = blind.election_timeout_min;
  Subject peer;
  peer.engine = Engine(blind, Subject::recovered({}, {.term = {1}}, voters({1, 2, 3})), Time{});
  peer.become_leader();
  answer(peer, 2, peer.now);

  CHECK(!reads_at_once(peer));
}

TEST_CASE("a lease is given up when leadership is to be handed over, and after that (§3.10)") {
  Subject peer = leader_with_lease();
  const Bytes payload = Bytes::copy_of("a");
  REQUIRE(peer.engine.propose({&payload, 1}));
  peer.settle();
  REQUIRE(peer.engine.transfer({3}));  // It lacks the entry, and is not told to campaign yet.
  REQUIRE(peer.sent<TimeoutNow>().empty());
  CHECK(!peer.engine.lease_until());

  SUBCASE("it is back when the transfer is given up and nobody was told to campaign") {
    const auto on = [&] {
      peer.tick(options().heartbeat_interval);
      answer(peer, 2, peer.now);
    };
    while (!peer.engine.propose({&payload, 1}))
      on();
    on();
    CHECK(peer.engine.lease_until());
  }
  SUBCASE("somebody was told to: whoever it is may do so late, for as long as the term lasts") {
    answer(peer, 3, peer.now);
    REQUIRE(peer.sent<TimeoutNow>().size() == 1);
    for (int i = 0; i < 30; ++i) {
      peer.tick(options().heartbeat_interval);
      answer(peer, 2, peer.now);
      answer(peer, 3, peer.now);
    }
    REQUIRE(peer.role() == Role::leader);
    REQUIRE(peer.engine.propose({&payload, 1}));  // The transfer itself is over.
    CHECK(!peer.engine.lease_until());
    CHECK(!reads_at_once(peer));
  }
}

TEST_CASE("a leader that steps down has no lease, though its followers' promises hold") {
  Subject peer = leader_with_lease();

  peer.receive(2, 3, AppendRequest{.previous = {{1}, {1}}});

  CHECK(!peer.engine.lease_until());
  CHECK(peer.reads.empty());
}

TEST_CASE("a leader that is no voter any more has no lease (§4.2.2)") {
  Subject peer = leader_with_lease();
  answer(peer, 3, peer.now);
  REQUIRE(peer.engine.change_configuration(voters({2, 3})));
  peer.settle();
  REQUIRE(peer.engine.configuration().is_joint());
  answer(peer, 2, peer.now);
  answer(peer, 3, peer.now);
  REQUIRE(!peer.engine.configuration().has_voter(self));

  CHECK(!peer.engine.lease_until());
}

TEST_CASE("a lease read waits behind reads that trust no clock: being ready includes them") {
  Subject peer = leader_with_lease();
  const auto first = peer.engine.start_read();
  const auto second = peer.engine.start_read(ReadLevel::lease);
  peer.settle();
  CHECK(peer.reads.empty());

  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{2}}, .read = *second});
  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.reads[0].upto == *second);
  CHECK(*first < *second);
  CHECK(reads_at_once(peer));
}

// ---- the followers' side

TEST_CASE("a follower gives back the leader's time and promises its own timeout") {
  Subject peer;

  peer.receive(2, 2, heartbeat(Time(-1234)));

  REQUIRE(peer.sent<AppendResponse>().size() == 1);
  CHECK(peer.sent<AppendResponse>()[0].sent_at == Time(-1234));
  CHECK(peer.sent<AppendResponse>()[0].promised == timeout);
}

TEST_CASE("a rejection promises as much, and an answer to an older term nothing") {
  Subject peer;

  peer.receive(2, 2, heartbeat());
  peer.forget();

  peer.receive(2, 2, AppendRequest{.previous = {{2}, {9}}, .sent_at = Time(5)});
  REQUIRE(peer.sent<AppendResponse>().size() == 1);
  CHECK(peer.sent<AppendResponse>()[0].sent_at == Time(5));
  CHECK(peer.sent<AppendResponse>()[0].promised == timeout);

  peer.receive(3, 1, heartbeat());
  REQUIRE(peer.sent<AppendResponse>().size() == 2);
  CHECK(peer.sent<AppendResponse>()[1].promised == Duration{});
}

TEST_CASE("nothing is promised before the term is durable: a restart would know of no leader") {
  Engine fresh(options(), {}, Time{});
  fresh.step(Message{.cluster = our_cluster,
                     .from = {2},
                     .to = self,
                     .term = {2},
                     .body = AppendRequest{.previous = {{2}, {9}}, .sent_at = Time(5)}});

  const Output output = fresh.take_output();

  REQUIRE(output.messages.size() == 1);
  const auto* response = std::get_if<AppendResponse>(&output.messages[0].body);
  REQUIRE(response != nullptr);
  CHECK(response->promised == Duration{});
}

TEST_CASE("a promise outlives the term: who learns of a higher one still refuses to vote") {
  Subject peer;
  peer.receive(2, 2, heartbeat());
  peer.receive(3, 7, VoteResponse{.granted = false});
  REQUIRE(peer.term() == Term{7});
  REQUIRE(peer.engine.view().leader == nobody);
  peer.forget();
  peer.tick(timeout - Duration(1));

  peer.receive(3, 8, VoteRequest{.last = {{9}, {9}}});
  peer.receive(3, 9, PreVoteRequest{.last = {{9}, {9}}});
  CHECK(peer.term() == Term{7});
  CHECK(peer.sent<VoteResponse>().empty());
  REQUIRE(peer.sent<PreVoteResponse>().size() == 1);
  CHECK(!peer.sent<PreVoteResponse>()[0].granted);

  peer.tick(Duration(1));
  peer.receive(3, 8, VoteRequest{.last = {{9}, {9}}});
  REQUIRE(peer.sent<VoteResponse>().size() == 1);
  CHECK(peer.sent<VoteResponse>()[0].granted);
}

TEST_CASE("a promise outlives a candidacy that the leader asked for (§3.10)") {
  Subject peer;
  peer.receive(2, 2, heartbeat());
  peer.receive(2, 2, TimeoutNow{});
  REQUIRE(peer.role() == Role::candidate);

  peer.receive(3, 9, VoteRequest{.last = {{9}, {9}}});
  CHECK(peer.term() == Term{3});
  // Unless that, too, is the leader's wish.
  peer.receive(3, 9, VoteRequest{.last = {{9}, {9}}, .transfer = true});
  CHECK(peer.term() == Term{9});
}

TEST_CASE("a peer that starts again keeps what it may have promised before") {
  Engine peer(options(), Subject::recovered({}, {.term = {1}}, voters({1, 2, 3})), Time(1'000));
  const Message vote{.cluster = our_cluster,
                     .from = {2},
                     .to = self,
                     .term = {2},
                     .body = VoteRequest{.last = {{1}, {1}}}};
  Message pre_vote = vote;
  pre_vote.body = PreVoteRequest{.last = {{1}, {1}}};
  CHECK(peer.next_deadline() >= Time(1'000) + timeout);

  peer.step(Tick{Time(1'000) + timeout - Duration(1)});
  peer.step(vote);
  peer.step(pre_vote);
  CHECK(peer.term() == Term{1});
  const Output refusal = peer.take_output();
  REQUIRE(refusal.messages.size() == 1);
  CHECK(!std::get<PreVoteResponse>(refusal.messages[0].body).granted);

  peer.step(Tick{Time(1'000) + timeout});
  peer.step(vote);
  CHECK(peer.view().hard_state == HardState{{2}, {2}, our_cluster});
}

TEST_CASE("a peer that has never been in a term has promised nothing, and votes at once") {
  Engine peer(options(), {}, Time{});

  peer.step(Message{.cluster = our_cluster,
                    .from = {2},
                    .to = self,
                    .term = {1},
                    .body = VoteRequest{.last = {{1}, {1}}}});

  CHECK(peer.view().hard_state.voted_for == PeerId{2});
}

}  // namespace troupe::test
