#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

// Changes of the configuration (§4), as one engine sees them.

namespace troupe::test {

using std::chrono::milliseconds;

namespace {

Configuration joint(std::initializer_list<std::uint64_t> to,
                    std::initializer_list<std::uint64_t> from) {
  return {.voters = voters(to).voters, .old_voters = voters(from).voters, .learners = {}};
}

/// Peer 1 leads term 2 and its no-op is committed.
Subject leader(const Configuration& configuration = voters({1, 2, 3}),
               std::vector<Entry> more = {}) {
  Subject peer(std::move(more), {.term = {1}}, configuration);
  peer.become_pre_candidate();
  for (const Member& voter : configuration.voters)
    if (voter.id != self)
      peer.receive(voter.id.value, 1, PreVoteResponse{.granted = true, .asked = {2}});
  for (const Member& voter : configuration.voters)
    if (voter.id != self)
      peer.receive(voter.id.value, 2, VoteResponse{.granted = true});
  for (const Member& member : configuration.members())
    if (member.id != self)
      peer.receive(member.id.value, 2,
                   AppendResponse{.verdict = Accepted{peer.engine.log().last().index}});
  REQUIRE(peer.commit() == peer.engine.log().last().index);
  peer.forget();
  return peer;
}

Subject lonely_leader() {
  Subject peer({}, {.term = {1}, .voted_for = self}, voters({1}));
  peer.tick(milliseconds(1));
  REQUIRE(peer.role() == Role::leader);
  return peer;
}

Result<EntryId> change(Subject& peer, Configuration target) {
  auto result = peer.engine.change_configuration(std::move(target));
  peer.settle();
  return result;
}

/// These followers hold all that the leader has.
void accept(Subject& peer, std::initializer_list<std::uint64_t> followers) {
  const Index last = peer.engine.log().last().index;
  for (const std::uint64_t follower : followers)
    peer.receive(follower, peer.term().value, AppendResponse{.verdict = Accepted{last}});
}

/// All followers answer until nothing moves any more.
void settle_change(Subject& peer, std::initializer_list<std::uint64_t> followers) {
  for (int round = 0; round < 10; ++round) {
    peer.tick(milliseconds(30));
    accept(peer, followers);
  }
}

const Configuration& in_force(const Subject& peer) {
  return peer.engine.configuration();
}

Message append_from(std::uint64_t from, std::uint64_t term, EntryId previous,
                    std::vector<Entry> entries, std::uint64_t commit = 0) {
  return {.cluster = our_cluster,
          .from = {from},
          .to = self,
          .term = {term},
          .body = AppendRequest{
              .previous = previous, .commit = {commit}, .entries = std::move(entries)}};
}

}  // namespace

TEST_CASE("a change of configuration is refused by who does not lead") {
  Subject peer;
  CHECK(change(peer, voters({1, 2})).refusal() == Refusal::redirect);
  peer.become_candidate();
  CHECK(change(peer, voters({1, 2})).refusal() == Refusal::election_in_progress);
}

TEST_CASE("a change is refused until an entry of the leader's own term is committed") {
  Subject peer;
  peer.become_leader();
  CHECK(change(peer, voters({1, 2})).refusal() == Refusal::configuration_in_progress);
  accept(peer, {2});
  CHECK(change(peer, voters({1, 2})));
}

TEST_CASE("a second change is refused until the first one is done") {
  Subject peer = leader();
  REQUIRE(change(peer, voters({1, 2})));
  CHECK(change(peer, voters({1, 3})).refusal() == Refusal::configuration_in_progress);
  settle_change(peer, {2, 3});
  CHECK(in_force(peer) == voters({1, 2}));
  CHECK(!peer.engine.view().changing);
  CHECK(change(peer, voters({1, 2, 3})));
}

TEST_CASE("a change is refused while leadership is handed over") {
  Subject peer = leader();
  REQUIRE(peer.engine.transfer({3}));
  CHECK(change(peer, voters({1, 2})).refusal() == Refusal::configuration_in_progress);
}

TEST_CASE("a configuration that makes no sense is refused, and nothing is appended") {
  Subject peer = leader();
  Configuration same_name = voters({1, 2});
  same_name.voters[1].name = "p1";
  Configuration same_id = voters({1, 2});
  same_id.learners.push_back({.id = {2}, .name = "other", .address = {}});
  Configuration long_name = voters({1, 2});
  long_name.voters[1].name.assign(5000, 'x');
  const EntryId last = peer.engine.log().last();

  for (const Configuration& wrong : {Configuration{}, voters({0, 1}), voters({1, 2, 2}), same_name,
                                     same_id, long_name, joint({1, 2}, {1})})
    CHECK(change(peer, wrong).refusal() == Refusal::invalid);

  CHECK(peer.engine.log().last() == last);
}

TEST_CASE("the configuration that is in force already is no change") {
  Subject peer = leader();
  const EntryId last = peer.engine.log().last();

  REQUIRE(change(peer, voters({3, 2, 1})));

  CHECK(peer.engine.log().last() == last);
  CHECK(!peer.engine.view().changing);
}

TEST_CASE("a joint configuration commits with majorities of old and new voters") {
  Subject peer = leader(voters({1, 2, 3, 4, 5}));
  REQUIRE(change(peer, voters({1, 4, 5})));
  REQUIRE(in_force(peer) == joint({1, 4, 5}, {1, 2, 3, 4, 5}));
  const Index entry = peer.engine.log().last().index;

  // A majority of the old ones alone, then of both.
  accept(peer, {2, 3});
  CHECK(peer.commit() < entry);
  accept(peer, {4});

  CHECK(peer.commit() == entry);
  CHECK(in_force(peer) == voters({1, 4, 5}));
}

TEST_CASE("a candidate in a joint configuration needs majorities of old and new voters") {
  Subject peer({configuration_entry(1, 2, joint({1, 4, 5}, {1, 2, 3}))});
  peer.become_pre_candidate();
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 1, PreVoteResponse{.granted = true, .asked = {2}});
  CHECK(peer.role() == Role::pre_candidate);
  peer.receive(5, 1, PreVoteResponse{.granted = true, .asked = {2}});
  REQUIRE(peer.role() == Role::candidate);

  for (const std::uint64_t voter : {4u, 5u})
    peer.receive(voter, 2, VoteResponse{.granted = true});
  CHECK(peer.role() == Role::candidate);
  peer.receive(3, 2, VoteResponse{.granted = true});

  CHECK(peer.role() == Role::leader);
}

TEST_CASE("reads in a joint configuration wait for majorities of old and new voters") {
  Subject peer = leader(voters({1, 2, 3, 4, 5}));
  REQUIRE(change(peer, voters({1, 4, 5})));
  REQUIRE(peer.engine.start_read());
  peer.settle();
  const AppendResponse answer{.verdict = Accepted{{2}}, .read = {1}};

  peer.receive(2, 2, answer);
  peer.receive(3, 2, answer);
  CHECK(peer.reads.empty());
  peer.receive(5, 2, answer);

  CHECK(peer.reads.size() == 1);
}

TEST_CASE("a leader in a joint configuration must hear majorities of old and new voters") {
  Subject peer = leader(voters({1, 2, 3, 4, 5}));
  REQUIRE(change(peer, voters({1, 4, 5})));

  for (int i = 0; i < 20 && peer.role() == Role::leader; ++i) {
    peer.tick(milliseconds(30));
    for (const std::uint64_t follower : {2u, 3u})
      peer.receive(follower, 2, AppendResponse{.verdict = Accepted{{2}}});
  }

  CHECK(peer.role() == Role::follower);
}

TEST_CASE("a learner is sent everything and counts for nothing") {
  Configuration configuration = voters({1, 2, 3});
  configuration.learners = voters({4, 5}).voters;
  Subject peer = leader(configuration);
  const Bytes payload = Bytes::copy_of("a");
  REQUIRE(peer.engine.propose({&payload, 1}));
  peer.settle();
  const Index entry = peer.engine.log().last().index;

  CHECK(peer.sent<AppendRequest>().size() == 4);
  accept(peer, {4, 5});
  CHECK(peer.commit() < entry);
  accept(peer, {2});

  CHECK(peer.commit() == entry);
}

TEST_CASE("a learner never campaigns") {
  Configuration configuration = voters({2, 3});
  configuration.learners = voters({1}).voters;
  Subject peer({}, {.term = {1}}, configuration);

  CHECK(peer.engine.next_deadline() == never);
  peer.tick(std::chrono::seconds(10));

  CHECK(peer.role() == Role::follower);
  CHECK(peer.messages.empty());
}

TEST_CASE(
    "a configuration that is truncated gives way to the one before it, and so does the next") {
  Subject peer({}, {.term = {1}});
  peer.step(append_from(2, 2, {{1}, {1}}, {configuration_entry(2, 2, joint({1, 4}, {1, 2, 3}))}));
  CHECK(in_force(peer) == joint({1, 4}, {1, 2, 3}));
  peer.step(append_from(3, 3, {{1}, {1}}, {configuration_entry(3, 2, joint({1, 5}, {1, 2, 3}))}));
  CHECK(in_force(peer) == joint({1, 5}, {1, 2, 3}));

  peer.step(append_from(2, 4, {{1}, {1}}, {noop(4, 2)}));

  CHECK(in_force(peer) == voters({1, 2, 3}));
  CHECK(peer.engine.view().configuration_index == Index{1});
}

TEST_CASE("two configurations that are truncated at once give way to the one before both") {
  Subject peer({configuration_entry(1, 2, joint({1, 4}, {1, 2, 3})),
                configuration_entry(1, 3, voters({1, 4}))});
  REQUIRE(in_force(peer) == voters({1, 4}));

  peer.step(append_from(2, 2, {{1}, {1}}, {noop(2, 2)}));

  CHECK(in_force(peer) == voters({1, 2, 3}));
}

TEST_CASE("a peer that restarts goes by the last configuration of its log") {
  Subject peer({noop(1, 2), configuration_entry(1, 3, joint({1, 4}, {1, 2, 3})), noop(1, 4)});

  CHECK(in_force(peer) == joint({1, 4}, {1, 2, 3}));
  CHECK(peer.engine.view().configuration_index == Index{3});
}

TEST_CASE("a leader that is elected in a joint configuration leaves it") {
  Subject peer({configuration_entry(1, 2, joint({1, 2}, {1, 2, 3}))});
  peer.become_leader();
  REQUIRE(peer.role() == Role::leader);
  CHECK(peer.engine.view().changing);

  accept(peer, {2});
  accept(peer, {2});

  CHECK(in_force(peer) == voters({1, 2}));
  CHECK(!peer.engine.view().changing);
  CHECK(peer.commit() == peer.engine.log().last().index);
}

TEST_CASE(
    "a leader that is voted out does not count itself, and hands over when that is committed") {
  Subject peer = leader();
  REQUIRE(change(peer, voters({2, 3})));
  accept(peer, {2, 3});
  REQUIRE(in_force(peer) == voters({2, 3}));
  const Index removal = peer.engine.log().last().index;
  peer.forget();

  accept(peer, {2});
  CHECK(peer.commit() < removal);
  accept(peer, {3});
  CHECK(peer.commit() == removal);
  peer.tick(milliseconds(30));

  CHECK(peer.role() == Role::leader);
  CHECK(peer.sent<TimeoutNow>().size() == 1);
  peer.receive(2, 3, VoteRequest{.last = peer.engine.log().last(), .transfer = true});
  CHECK(peer.role() == Role::follower);
  CHECK(peer.engine.next_deadline() == never);
}

TEST_CASE("a leader that is voted out does not hand over to one that does not answer") {
  Subject peer = leader(voters({1, 2, 3, 4}));
  REQUIRE(change(peer, voters({2, 3, 4})));
  accept(peer, {2, 3, 4});
  accept(peer, {2, 3, 4});
  peer.forget();

  // Peer 2 has all there is, and is dead.
  settle_change(peer, {3, 4});
  settle_change(peer, {3, 4});

  const auto asked_a_living_one = [](const Message& message) {
    return std::holds_alternative<TimeoutNow>(message.body) && message.to != PeerId{2};
  };
  CHECK(std::ranges::any_of(peer.messages, asked_a_living_one));
}

TEST_CASE("a peer that was voted out campaigns as long as that may not be committed") {
  // Those who stay may miss the last entry, and are then no match for this log.
  Subject peer({configuration_entry(1, 2, joint({2, 3}, {1, 2})),
                configuration_entry(1, 3, voters({2, 3}))});
  REQUIRE(peer.engine.next_deadline() != never);
  peer.become_pre_candidate();
  peer.receive(2, 1, PreVoteResponse{.granted = true, .asked = {2}});
  CHECK(peer.role() == Role::pre_candidate);  // Its own vote does not count.
  peer.receive(3, 1, PreVoteResponse{.granted = true, .asked = {2}});
  REQUIRE(peer.role() == Role::candidate);

  peer.step(append_from(2, 3, {{1}, {3}}, {}, 3));

  CHECK(peer.commit() == Index{3});
  CHECK(peer.engine.next_deadline() == never);
}

TEST_CASE("a dead member is removed without its consent") {
  Subject peer = leader();
  settle_change(peer, {2});

  REQUIRE(change(peer, voters({1, 2})));
  settle_change(peer, {2});

  CHECK(in_force(peer) == voters({1, 2}));
  CHECK(!peer.engine.view().changing);
  CHECK(peer.commit() == peer.engine.log().last().index);
}

TEST_CASE("a dead member is replaced while another one is dead, and stays") {
  Subject peer({}, {.term = {1}}, voters({1, 2, 3, 4, 5}));
  peer.become_pre_candidate();
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 1, PreVoteResponse{.granted = true, .asked = {2}});
  for (const std::uint64_t voter : {2u, 3u})
    peer.receive(voter, 2, VoteResponse{.granted = true});
  settle_change(peer, {2, 3});
  REQUIRE(peer.role() == Role::leader);

  REQUIRE(change(peer, voters({1, 2, 3, 4, 6})));
  settle_change(peer, {2, 3, 6});

  CHECK(in_force(peer) == voters({1, 2, 3, 4, 6}));
  CHECK(!peer.engine.view().changing);
}

TEST_CASE("a learner that caught up once and does not answer any more is not made a voter") {
  Configuration configuration = voters({1, 2, 3});
  configuration.learners = voters({4}).voters;
  Subject peer = leader(configuration);
  settle_change(peer, {2, 3});
  settle_change(peer, {2, 3});

  REQUIRE(change(peer, voters({1, 2, 3, 4})));
  settle_change(peer, {2, 3});
  CHECK(in_force(peer) == configuration);
  CHECK(peer.engine.view().changing);
  settle_change(peer, {2, 3, 4});

  CHECK(in_force(peer) == voters({1, 2, 3, 4}));
}

TEST_CASE("a member's address changes without a change of voters") {
  Subject peer = leader();
  Configuration moved = voters({1, 2, 3});
  moved.voters[2].address = "elsewhere:1";

  REQUIRE(change(peer, moved));
  CHECK(in_force(peer) == moved);
  accept(peer, {2});
  peer.tick(milliseconds(30));

  CHECK(peer.commit() == peer.engine.log().last().index);
  CHECK(!peer.engine.view().changing);
}

TEST_CASE("a single voter becomes three, and one again") {
  Subject peer = lonely_leader();
  REQUIRE(change(peer, voters({1, 2, 3})));
  settle_change(peer, {2, 3});
  CHECK(in_force(peer) == voters({1, 2, 3}));
  CHECK(peer.commit() == peer.engine.log().last().index);

  REQUIRE(change(peer, voters({1})));
  settle_change(peer, {2, 3});

  CHECK(in_force(peer) == voters({1}));
  CHECK(peer.commit() == peer.engine.log().last().index);
  // Those who left are told for a while, then they are forgotten.
  CHECK(peer.engine.view().followers.size() == 2);
  peer.tick(2 * options().election_timeout_max);
  CHECK(peer.engine.view().followers.empty());
  CHECK(peer.role() == Role::leader);
}

TEST_CASE("a read that waits for voters that left is answered by those who stay") {
  Subject peer = leader(voters({1, 2}));
  REQUIRE(change(peer, voters({1})));
  REQUIRE(peer.engine.start_read());
  peer.settle();
  accept(peer, {2});
  REQUIRE(in_force(peer) == voters({1}));

  peer.tick(milliseconds(30));

  CHECK(peer.reads.size() == 1);
}

TEST_CASE("a change whose newcomers do not catch up in time is given up") {
  Subject peer = leader();
  REQUIRE(change(peer, voters({1, 2, 3, 4})));
  CHECK(in_force(peer).learners == voters({4}).voters);

  const Time end = peer.now + options().catch_up_timeout;
  while (peer.now < end) {
    CHECK(!in_force(peer).is_joint());
    peer.tick(milliseconds(100));
    accept(peer, {2, 3});
  }
  settle_change(peer, {2, 3});

  CHECK(in_force(peer) == voters({1, 2, 3}));
  CHECK(!peer.engine.view().changing);
  CHECK(peer.commit() == peer.engine.log().last().index);
}

}  // namespace troupe::test
