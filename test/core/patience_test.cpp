#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

Bytes of_size(std::size_t size) {
  return Bytes::copy_of(std::string(size, 'x'));
}

/// What a follower of peer 2 in term 2 has answered.
std::size_t answers(const Subject& subject) {
  return subject.sent<AppendResponse>().size();
}

TEST_CASE("a follower with a slow disk is heard once a heartbeat, however often it is written to") {
  Subject follower({}, {.term = {2}});
  follower.instant_disk = false;
  Index last{1};
  for (int i = 0; i < 50; ++i) {
    follower.tick(20ms);
    follower.receive(2, 2,
                     AppendRequest{.previous = {{i == 0 ? 1u : 2u}, last},
                                   .commit = {1},
                                   .entries = {command(2, last.value + 1)}});
    last = next(last);
  }

  // A second has passed, and nothing of it is durable.
  CHECK(answers(follower) >= 24);
  CHECK(answers(follower) <= 34);
  CHECK(follower.accepted() == Index{1});
}

TEST_CASE("the largest entry that the options allow can be proposed") {
  EngineOptions limits = options();
  limits.entry_bytes_max = 1000;
  limits.uncommitted_bytes_max = 1000;
  CHECK_FALSE(problem(limits).empty());

  limits.uncommitted_bytes_max = 1000 + entry_head_bytes;
  REQUIRE(problem(limits).empty());
  Engine alone(limits, Subject::recovered({}, {.term = {1}, .voted_for = self}, voters({1})),
               Time{});
  alone.step(Tick{Time{1}});
  while (alone.has_output())
    if (const auto out = alone.take_output(); out.write)
      alone.step(Persisted{out.write->id});
  const Bytes largest = of_size(1000);
  CHECK(alone.propose({&largest, 1}).refusal() == Refusal::none);
}

TEST_CASE("a newcomer that is no further behind than the voters is let in") {
  Subject leader;
  leader.become_leader();
  const auto accept = [&](Index upto) {
    for (const std::uint64_t peer : {2u, 3u, 4u})
      leader.receive(peer, 2, AppendResponse{.verdict = Accepted{upto}, .read = {}});
  };
  accept(leader.engine.log().last().index);
  REQUIRE(leader.engine.change_configuration(voters({1, 2, 3, 4})));
  leader.settle();

  // All of them are always a megabyte behind, and answer the last round's.
  const Bytes megabyte = of_size(std::size_t{1} << 20);
  for (int round = 0; round < 10 && !leader.engine.configuration().is_joint(); ++round) {
    const Index sent = leader.engine.log().last().index;
    REQUIRE(leader.engine.propose({&megabyte, 1}));
    leader.tick(10ms);
    accept(sent);
  }

  CHECK(leader.engine.configuration().is_joint());
}

TEST_CASE("a peer that was removed, and may not know it, asks ever more rarely") {
  Configuration joint = voters({2, 3});
  joint.old_voters = voters({1, 2, 3}).voters;
  Subject removed({configuration_entry(1, 2, joint), configuration_entry(1, 3, voters({2, 3}))});
  int rounds = 0;
  for (; removed.engine.next_deadline() < 60s; ++rounds) {
    removed.now = removed.engine.next_deadline();
    removed.step(Tick{removed.now});
    for (const std::uint64_t peer : {2u, 3u})
      removed.receive(peer, 1,
                      PreVoteResponse{.granted = false, .asked = {removed.term().value + 1}});
  }

  CHECK(rounds >= 3);
  CHECK(rounds <= 20);
}

TEST_CASE("a term far beyond ours is nonsense: nobody could be elected after it") {
  Subject subject;

  subject.receive(2, ~std::uint64_t{0} / 2, AppendRequest{});

  CHECK(subject.term() == Term{1});
  CHECK(subject.engine.view().dropped == 1);
}

TEST_CASE("what is handed out to be applied ends at the commit index") {
  Log log;
  for (std::uint64_t i = 1; i <= 10; ++i)
    log.append(command(1, i));

  CHECK(log.slice({3}, {5}, 1 << 20).size() == 3);
  CHECK(log.slice({3}, {3}, 1).size() == 1);
  CHECK(log.slice({6}, {5}, 1 << 20).empty());
}

}  // namespace
}  // namespace troupe::test
