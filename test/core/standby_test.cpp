#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

// Members that keep no log, and what a leader does to keep its number of voters.

namespace troupe::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Configuration with_standbys(std::initializer_list<std::uint64_t> voting,
                            std::initializer_list<std::uint64_t> standing_by,
                            VoterPolicy keep = {}) {
  Configuration configuration = voters(voting);
  configuration.standbys = voters(standing_by).voters;
  configuration.keep = keep;
  return configuration;
}

constexpr VoterPolicy three{.count = 3, .after = seconds(2)};

/// These followers answer: voters and learners that they hold all there is, standbys that they
/// live.
void answer(Subject& peer, std::initializer_list<std::uint64_t> followers) {
  for (const std::uint64_t follower : followers) {
    const Index last = peer.engine.log().last().index;
    const bool keeps_log = peer.engine.configuration().keeps_log({follower});
    peer.receive(follower, peer.term().value,
                 AppendResponse{.verdict = Accepted{keeps_log ? last : Index{}}});
  }
}

/// Time passes, and they answer.
void live(Subject& peer, Duration length, std::initializer_list<std::uint64_t> followers) {
  for (const Time end = peer.now + length; peer.now < end;) {
    peer.tick(milliseconds(30));
    answer(peer, followers);
  }
}

/// Peer 1 leads term 2, and all who live have answered.
Subject leader(const Configuration& configuration,
               std::initializer_list<std::uint64_t> living = {2, 3, 4}) {
  Subject peer({}, {.term = {1}}, configuration);
  peer.become_pre_candidate();
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 1, PreVoteResponse{.granted = true, .asked = {2}});
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 2, VoteResponse{.granted = true});
  live(peer, milliseconds(60), living);
  REQUIRE(peer.role() == Role::leader);
  peer.forget();
  return peer;
}

Configuration in_force(const Subject& peer) {
  return peer.engine.configuration();
}

Message heartbeat(std::uint64_t from, std::uint64_t term, const Configuration& configuration) {
  return {.cluster = our_cluster,
          .from = {from},
          .to = self,
          .term = {term},
          .body = AppendRequest{.commit = {7}, .members = Bytes::copy_of(encode(configuration))}};
}

}  // namespace

TEST_CASE("a standby is sent heartbeats that say who is in the cluster, and no entries") {
  const Configuration configuration = with_standbys({1, 2, 3}, {4});
  Subject peer = leader(configuration);
  const Bytes payload = Bytes::copy_of("a");
  REQUIRE(peer.engine.propose({&payload, 1}));

  live(peer, milliseconds(300), {2, 3, 4});

  std::size_t heartbeats = 0;
  for (const Message& message : peer.messages) {
    const auto* request = std::get_if<AppendRequest>(&message.body);
    if (request == nullptr || message.to != PeerId{4})
      continue;
    ++heartbeats;
    CHECK(request->entries.empty());
    CHECK(request->previous == EntryId{});
    CHECK(decode_configuration(request->members.text()) == configuration);
  }
  CHECK(heartbeats >= 5);
  CHECK(peer.engine.view().followers.at({4}).pace == Pace::rest);
}

TEST_CASE("a standby counts for nothing") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4, 5}));
  const Bytes payload = Bytes::copy_of("a");
  REQUIRE(peer.engine.propose({&payload, 1}));
  peer.settle();
  REQUIRE(peer.engine.start_read());
  peer.settle();
  const Index entry = peer.engine.log().last().index;

  for (const std::uint64_t standby : {4u, 5u})
    peer.receive(standby, 2, AppendResponse{.verdict = Accepted{entry}, .read = {1}});
  CHECK(peer.commit() < entry);
  CHECK(peer.reads.empty());

  for (int i = 0; i < 20; ++i) {
    peer.tick(milliseconds(30));
    answer(peer, {4, 5});
  }
  CHECK(peer.role() != Role::leader);
}

TEST_CASE("an empty standby knows its leader and its cluster, never campaigns and holds nothing") {
  Subject peer;
  peer.engine = Engine(options(), {}, Time{});
  const Configuration configuration = with_standbys({2, 3, 4}, {1});

  peer.step(heartbeat(2, 5, configuration));

  CHECK(peer.engine.leader() == PeerId{2});
  CHECK(peer.engine.known_configuration() == configuration);
  CHECK(peer.engine.configuration().empty());
  CHECK(peer.accepted() == Index{0});
  CHECK(peer.commit() == Index{0});
  CHECK(peer.engine.next_deadline() == never);
  peer.tick(seconds(100));
  CHECK(peer.role() == Role::follower);
  CHECK(peer.engine.bootstrap(voters({1}), {5}).refusal() == Refusal::redirect);
}

TEST_CASE("what a standby was told ends with the first request that its leader sends to a log") {
  Subject peer({}, {.term = {1}}, voters({1, 2, 3}));
  peer.step(heartbeat(2, 2, with_standbys({2, 3, 4}, {1})));
  REQUIRE(peer.engine.known_configuration() == with_standbys({2, 3, 4}, {1}));

  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});

  CHECK(peer.engine.known_configuration() == voters({1, 2, 3}));
}

TEST_CASE("a heartbeat whose members do not decode is dropped") {
  Subject peer({}, {.term = {1}}, voters({1, 2, 3}));

  peer.receive(2, 2, AppendRequest{.members = Bytes::copy_of("nonsense")});

  CHECK(peer.engine.leader() == nobody);
  CHECK(peer.engine.view().dropped == 1);
}

TEST_CASE("a voter that becomes a standby is told so, and is then sent no more entries") {
  Subject peer = leader(voters({1, 2, 3, 4}));
  REQUIRE(peer.engine.change_configuration(with_standbys({1, 2, 3}, {4})));
  peer.settle();

  live(peer, milliseconds(90), {2, 3, 4});
  REQUIRE(in_force(peer) == with_standbys({1, 2, 3}, {4}));
  CHECK(peer.engine.view().followers.at({4}).pace == Pace::replicate);
  live(peer, 2 * options().election_timeout_max, {2, 3, 4});

  CHECK(peer.engine.view().followers.at({4}).pace == Pace::rest);
}

TEST_CASE("a standby that is to vote is a learner first, and is sent the log") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4}));

  REQUIRE(peer.engine.change_configuration(voters({1, 2, 3, 4})));
  peer.settle();
  CHECK(in_force(peer).learners == voters({4}).voters);
  CHECK(in_force(peer).standbys.empty());
  live(peer, milliseconds(120), {2, 3});
  CHECK(in_force(peer).learners == voters({4}).voters);
  live(peer, milliseconds(120), {2, 3, 4});

  CHECK(in_force(peer) == voters({1, 2, 3, 4}));
}

TEST_CASE("no more members than a configuration holds can come up on the way to another") {
  Subject peer = leader(voters({1, 2, 3}));
  Configuration many = voters({1, 2, 3});
  for (std::uint64_t id = 4; many.voters.size() + many.learners.size() < 1024; ++id)
    many.learners.push_back({.id = {id}, .name = "p" + std::to_string(id), .address = {}});
  REQUIRE(peer.engine.change_configuration(many));
  live(peer, milliseconds(60), {2, 3});
  REQUIRE(in_force(peer) == many);

  Configuration more = voters({1, 2, 3, 2000});
  const auto refused = peer.engine.change_configuration(more);

  CHECK(refused.refusal() == Refusal::invalid);
  CHECK(refused.detail() == "more than 1024 members");
  CHECK(peer.engine.change_configuration(voters({1, 2, 3})));
}

TEST_CASE("a voter that is not heard for as long as the policy says gives its vote to a standby") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4}, three));

  live(peer, three.after - milliseconds(90), {2, 4});
  CHECK(in_force(peer) == with_standbys({1, 2, 3}, {4}, three));
  live(peer, milliseconds(300), {2, 4});

  CHECK(in_force(peer) == with_standbys({1, 2, 4}, {3}, three));
  CHECK(!peer.engine.view().changing);
  CHECK(peer.commit() == peer.engine.log().last().index);
}

TEST_CASE("without a policy nobody is replaced") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4}));

  live(peer, seconds(20), {2, 4});

  CHECK(in_force(peer) == with_standbys({1, 2, 3}, {4}));
}

TEST_CASE("a learner that has caught up votes before a standby does") {
  Configuration configuration = with_standbys({1, 2, 3}, {4}, three);
  configuration.learners = voters({5}).voters;
  Subject peer = leader(configuration, {2, 3, 4, 5});

  live(peer, three.after + milliseconds(300), {2, 4, 5});

  CHECK(in_force(peer) == with_standbys({1, 2, 5}, {3, 4}, three));
}

TEST_CASE("where there are fewer voters than asked for, a standby is taken in at once") {
  Subject peer = leader(with_standbys({1, 2}, {4}, three), {2, 4});

  live(peer, milliseconds(300), {2, 4});

  CHECK(in_force(peer) == with_standbys({1, 2, 4}, {}, three));
}

TEST_CASE("who does not answer takes nobody's place") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4}, three), {2, 3});
  const EntryId last = peer.engine.log().last();

  live(peer, seconds(20), {2});

  CHECK(in_force(peer) == with_standbys({1, 2, 3}, {4}, three));
  CHECK(peer.engine.log().last() == last);
}

TEST_CASE("one voter is replaced at a time, and then the next") {
  Subject peer({}, {.term = {1}}, with_standbys({1, 2, 3, 4, 5}, {6, 7}, {5, seconds(2)}));
  peer.become_pre_candidate();
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 1, PreVoteResponse{.granted = true, .asked = {2}});
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 2, VoteResponse{.granted = true});

  for (const Time end = peer.now + seconds(4); peer.now < end;) {
    live(peer, milliseconds(30), {2, 3, 6, 7});
    CHECK(in_force(peer).standbys.size() + in_force(peer).learners.size() <= 3);
  }

  CHECK(in_force(peer) == with_standbys({1, 2, 3, 6, 7}, {4, 5}, {5, seconds(2)}));
}

TEST_CASE("a voter that comes back before its substitute has caught up keeps its vote") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4}, three));
  live(peer, three.after - milliseconds(60), {2, 4});
  // The standby answers and does not get on.
  for (int i = 0; i < 10; ++i) {
    peer.tick(milliseconds(30));
    answer(peer, {2});
    peer.receive(4, 2, AppendResponse{.verdict = Accepted{}});
  }
  REQUIRE(in_force(peer).learners == voters({4}).voters);

  live(peer, milliseconds(120), {2, 3});

  CHECK(in_force(peer) == with_standbys({1, 2, 3}, {4}, three));
  CHECK(!peer.engine.view().changing);
}

TEST_CASE("a substitute that does not catch up in time gives way to the next") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4, 5}, three), {2, 3, 4, 5});
  const Time end = peer.now + three.after + options().catch_up_timeout + seconds(1);
  while (peer.now < end) {
    peer.tick(milliseconds(30));
    answer(peer, {2, 5});
    peer.receive(4, 2, AppendResponse{.verdict = Accepted{}});
  }

  CHECK(in_force(peer) == with_standbys({1, 2, 5}, {3, 4}, three));
}

TEST_CASE("a policy does not cut into the change that someone asked for") {
  Subject peer = leader(with_standbys({1, 2, 3}, {4}, three));
  live(peer, three.after - milliseconds(30), {2, 4});

  REQUIRE(peer.engine.change_configuration(with_standbys({1, 2, 3, 5}, {4}, three)));
  live(peer, seconds(3), {2, 4});
  CHECK(in_force(peer).has_voter({3}));
  live(peer, seconds(1), {2, 4, 5});

  CHECK(in_force(peer) == with_standbys({1, 2, 4, 5}, {3}, three));
}

}  // namespace troupe::test
