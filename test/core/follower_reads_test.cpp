#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>

// Followers answer linearizable reads, too: the leader tells them from which index on (§6.4).

namespace troupe::test {

using std::chrono::milliseconds;

namespace {

/// Follows peer 2 in term 2; its log ends at 2/2, which it knows to be committed.
Subject follower() {
  Subject peer;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .commit = {2}, .entries = {noop(2, 2)}});
  peer.forget();
  return peer;
}

ReadIndexRequest last_request(const Subject& peer) {
  const auto requests = peer.sent<ReadIndexRequest>();
  REQUIRE(!requests.empty());
  return requests.back();
}

void answer(Subject& peer, ReadId upto, std::uint64_t index) {
  peer.receive(2, 2, ReadIndexResponse{upto, last_request(peer).boot, {index}});
}

ReadId read(Subject& peer) {
  const auto id = peer.engine.start_read();
  REQUIRE(id);
  return *id;
}

/// A leader of term 2 whose no-op is committed.
Subject leader() {
  Subject peer;
  peer.become_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  peer.forget();
  return peer;
}

}  // namespace

TEST_CASE("a follower asks its leader once for all reads that came together") {
  Subject peer = follower();
  read(peer);
  read(peer);
  const ReadId last = read(peer);
  peer.settle();

  REQUIRE(peer.sent<ReadIndexRequest>().size() == 1);
  CHECK(last_request(peer).upto == last);
  CHECK(peer.reads.empty());

  answer(peer, last, 2);
  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.reads[0].upto == last);
  CHECK(peer.reads[0].index == Index{2});
}

TEST_CASE("a read that came after the request left is not covered by its answer") {
  Subject peer = follower();
  const ReadId first = read(peer);
  peer.settle();
  const ReadId second = read(peer);
  peer.settle();
  CHECK(peer.sent<ReadIndexRequest>().size() == 2);

  answer(peer, first, 2);

  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.reads[0].upto == first);
  answer(peer, second, 2);
  CHECK(peer.reads.back().upto == second);
}

TEST_CASE("a follower's read waits for the entries that it must see") {
  Subject peer = follower();
  const ReadId id = read(peer);
  peer.settle();

  answer(peer, id, 3);
  CHECK(peer.reads.empty());
  CHECK(!peer.engine.has_output());  // Nothing to do meanwhile.

  peer.receive(2, 2,
               AppendRequest{.previous = {{2}, {2}}, .commit = {3}, .entries = {command(2, 3)}});
  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.committed.back().id.index == Index{3});
}

TEST_CASE("an answer says what is committed, as far as our log is known to be the leader's") {
  Subject peer;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .entries = {noop(2, 2)}});
  REQUIRE(peer.commit() == Index{1});
  const ReadId id = read(peer);
  peer.settle();

  answer(peer, id, 9);
  CHECK(peer.commit() == Index{2});
}

TEST_CASE("what may be a deposed leader's is not committed by an answer") {
  Subject peer({noop(1, 2), noop(1, 3)}, {.term = {1}});
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .commit = {1}});
  const ReadId id = read(peer);
  peer.settle();

  answer(peer, id, 3);

  CHECK(peer.commit() == Index{1});
  CHECK(peer.reads.empty());
}

TEST_CASE("a request that is not answered is made again each heartbeat, until it is") {
  Subject peer = follower();
  const ReadId id = read(peer);
  peer.settle();
  CHECK(peer.engine.next_deadline() == peer.now + options().heartbeat_interval);

  peer.tick(options().heartbeat_interval);
  CHECK(peer.sent<ReadIndexRequest>().size() == 2);
  answer(peer, id, 2);
  peer.receive(2, 2, AppendRequest{.previous = {{2}, {2}}, .commit = {2}});
  peer.tick(options().heartbeat_interval);
  CHECK(peer.sent<ReadIndexRequest>().size() == 2);
  CHECK(peer.engine.next_deadline() > peer.now + options().heartbeat_interval);
}

TEST_CASE("an answer counts once, from the leader of the term, and to this life of ours") {
  Subject peer = follower();
  const ReadId id = read(peer);
  peer.settle();
  const std::uint64_t boot = last_request(peer).boot;

  peer.receive(3, 2, ReadIndexResponse{id, boot, {2}});
  peer.receive(2, 1, ReadIndexResponse{id, boot, {2}});
  peer.receive(2, 2, ReadIndexResponse{id, boot + 1, {2}});
  peer.receive(2, 2, ReadIndexResponse{{id.value + 1}, boot, {2}});
  CHECK(peer.reads.empty());
  peer.receive(2, 2, ReadIndexResponse{id, boot, {2}});
  peer.receive(2, 2, ReadIndexResponse{id, boot, {2}});
  CHECK(peer.reads.size() == 1);

  Engine another_life({.self = self, .seed = 4711},
                      Subject::recovered({}, {.term = {1}}, voters({1, 2, 3})), Time{});
  another_life.step(Message{
      .cluster = our_cluster, .from = {2}, .to = self, .term = {2}, .body = AppendRequest{}});
  REQUIRE(another_life.start_read());
  for (const Message& message : another_life.take_output().messages)
    if (const auto* request = std::get_if<ReadIndexRequest>(&message.body))
      CHECK(request->boot != boot);
}

TEST_CASE("reads are lost with the leader, the term, the role and the connection") {
  Subject peer = follower();
  const ReadId id = read(peer);
  peer.settle();
  const std::uint64_t boot = last_request(peer).boot;

  SUBCASE("the connection") {
    peer.step(Disconnected{{2}});
  }
  SUBCASE("the term") {
    peer.receive(3, 3, AppendRequest{.previous = {{2}, {2}}});
  }
  SUBCASE("the role") {
    while (peer.role() == Role::follower)
      peer.tick(options().heartbeat_interval);
  }
  CHECK(peer.role_changed);
  peer.forget();

  peer.receive(2, 2, ReadIndexResponse{id, boot, {2}});
  CHECK(peer.reads.empty());
  peer.tick(options().heartbeat_interval);
  CHECK(peer.sent<ReadIndexRequest>().empty());
}

TEST_CASE("who knows of no leader, has not heard it for long, or holds no log, refuses a read") {
  Subject peer;
  CHECK(peer.engine.start_read().refusal() == Refusal::redirect);

  Configuration without_us = voters({2, 3});
  without_us.standbys = voters({1}).voters;
  Subject standby({configuration_entry(1, 2, without_us)});
  standby.receive(2, 2, AppendRequest{.previous = {{1}, {2}}, .commit = {2}});
  CHECK(standby.engine.start_read().refusal() == Refusal::redirect);

  Configuration with_us = voters({2, 3});
  with_us.learners = voters({1}).voters;
  Subject learner({configuration_entry(1, 2, with_us)});
  learner.receive(2, 2, AppendRequest{.previous = {{1}, {2}}, .commit = {2}});
  CHECK(learner.engine.start_read());
  learner.tick(options().election_timeout_max);
  CHECK(learner.engine.start_read().refusal() == Refusal::election_in_progress);
}

TEST_CASE("a follower's reads are bounded") {
  Subject peer = follower();
  std::uint64_t taken = 0;
  while (peer.engine.start_read() && taken < 100'000)
    ++taken;

  CHECK(taken < 100'000);
  CHECK(peer.engine.start_read().refusal() == Refusal::busy);
  peer.settle();
  answer(peer, last_request(peer).upto, 2);
  CHECK(peer.engine.start_read());
}

TEST_CASE("a leader answers a follower after a round to a quorum, from where it was when asked") {
  Subject peer = leader();
  peer.receive(3, 2, ReadIndexRequest{{17}, 4});
  CHECK(peer.sent<ReadIndexResponse>().empty());
  const auto round = peer.sent<AppendRequest>();
  REQUIRE(!round.empty());
  const ReadId read = round.back().read;

  const Bytes payload = Bytes::copy_of("later");
  REQUIRE(peer.engine.propose({&payload, 1}));
  peer.settle();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}, .read = {}});
  CHECK(peer.sent<ReadIndexResponse>().empty());
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}, .read = read});

  const auto responses = peer.sent<ReadIndexResponse>();
  REQUIRE(responses.size() == 1);
  CHECK(responses[0].upto == ReadId{17});
  CHECK(responses[0].boot == 4);
  CHECK(responses[0].index == Index{2});
  CHECK(peer.reads.empty());  // None of our own was asked for.
}

TEST_CASE("a leader answers only members, and only when an entry of its term is committed") {
  Subject early;
  early.become_leader();
  early.forget();
  early.receive(2, 2, ReadIndexRequest{{1}, 4});
  early.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {100}});
  CHECK(early.sent<ReadIndexResponse>().empty());

  Subject peer = leader();
  peer.receive(9, 2, ReadIndexRequest{{1}, 4});
  peer.tick(options().heartbeat_interval);
  for (const AppendRequest& request : peer.sent<AppendRequest>())
    CHECK(request.read == ReadId{});
}

TEST_CASE("followers that ask without end are bounded, and do not hold up the leader's own lease") {
  Subject peer = leader();
  for (std::uint64_t i = 1; i <= 10'000; ++i)
    peer.receive(3, 2, ReadIndexRequest{{i}, 4});
  CHECK(peer.engine.start_read().refusal() == Refusal::busy);
  peer.receive(2, 2,
               AppendResponse{.verdict = Accepted{{2}},
                              .read = {100'000},
                              .sent_at = peer.now,
                              .promised = options().election_timeout_min});
  CHECK(peer.sent<ReadIndexResponse>().size() < 10'000);

  peer.receive(3, 2, ReadIndexRequest{{10'001}, 4});
  peer.forget();
  REQUIRE(peer.engine.start_read(ReadLevel::lease));
  peer.settle();
  CHECK(peer.reads.size() == 1);
}

}  // namespace troupe::test
