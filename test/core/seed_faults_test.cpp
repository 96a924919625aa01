#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>

// What the Elixir raft that this one follows in spirit was found to do wrong, one case for each.

namespace troupe::test {

using std::chrono::milliseconds;

namespace {

Bytes payload(const char* text) {
  return Bytes::copy_of(text);
}

/// A leader of term 2 of five; its log ends at 2/2, its no-op.
Subject leader_of_five() {
  Subject peer({}, {.term = {1}}, voters({1, 2, 3, 4, 5}));
  peer.become_pre_candidate();
  for (std::uint64_t id : {2u, 3u})
    peer.receive(id, 1, PreVoteResponse{.granted = true, .asked = {2}});
  for (std::uint64_t id : {2u, 3u})
    peer.receive(id, 2, VoteResponse{.granted = true});
  REQUIRE(peer.role() == Role::leader);
  return peer;
}

}  // namespace

TEST_CASE("B1: refused, repeated, older and strangers' votes elect nobody") {
  Subject peer({}, {.term = {1}}, voters({1, 2, 3, 4, 5}));
  peer.become_pre_candidate();
  for (std::uint64_t id : {2u, 3u})
    peer.receive(id, 1, PreVoteResponse{.granted = true, .asked = {2}});
  REQUIRE(peer.role() == Role::candidate);

  peer.receive(2, 2, VoteResponse{.granted = true});
  peer.receive(2, 2, VoteResponse{.granted = true});
  peer.receive(3, 2, VoteResponse{.granted = false});
  peer.receive(3, 2, VoteResponse{.granted = true});  // It cannot have meant both.
  peer.receive(4, 1, VoteResponse{.granted = true});
  peer.receive(9, 2, VoteResponse{.granted = true});
  peer.receive(4, 1, PreVoteResponse{.granted = true, .asked = {2}});
  CHECK(peer.role() == Role::candidate);

  // Votes of a candidacy count for no other.
  peer.now = peer.engine.next_deadline();
  peer.step(Tick{peer.now});
  for (std::uint64_t id : {2u, 3u})
    peer.receive(id, 2, PreVoteResponse{.granted = true, .asked = {3}});
  REQUIRE(peer.term() == Term{3});
  peer.receive(4, 2, VoteResponse{.granted = true});
  peer.receive(5, 2, VoteResponse{.granted = true});
  CHECK(peer.role() == Role::candidate);
}

TEST_CASE("B2: terms of the last entries are compared before indexes (§3.6.1)") {
  std::vector<Entry> entries;
  for (std::uint64_t index = 2; index <= 9; ++index)
    entries.push_back(noop(6, index));
  Subject peer(entries, {.term = {6}});

  // Longer, and stale.
  peer.receive(2, 7, VoteRequest{.last = {{1}, {58}}});
  REQUIRE(peer.sent<VoteResponse>().size() == 1);
  CHECK(!peer.sent<VoteResponse>()[0].granted);

  // Shorter, and of a later term.
  peer.receive(3, 91, VoteRequest{.last = {{90}, {2}}});
  REQUIRE(peer.sent<VoteResponse>().size() == 2);
  CHECK(peer.sent<VoteResponse>()[1].granted);
}

TEST_CASE("B3: what conflicts with the leader's log is truncated, on disk as well (§3.5)") {
  Subject peer({noop(2, 2), command(2, 3), command(2, 4), command(2, 5)}, {.term = {2}});

  peer.receive(2, 3, AppendRequest{.previous = {{2}, {2}}, .commit = {9}, .entries = {noop(3, 3)}});

  CHECK(peer.engine.log().last() == EntryId{{3}, {3}});
  REQUIRE(peer.writes.size() == 1);
  CHECK(peer.writes[0].truncate_from == Index{3});
  CHECK(peer.commit() == Index{3});  // Not 9, and not the old last.
  CHECK(peer.committed.size() == 3);
}

TEST_CASE("B4: a leader that hears of a higher term steps down, and answers") {
  Subject peer;
  peer.become_leader();
  peer.forget();

  peer.receive(2, 50, AppendRequest{.previous = {{1}, {1}}});

  CHECK(peer.role() == Role::follower);
  CHECK(peer.term() == Term{50});
  CHECK(peer.role_changed);
  CHECK(peer.engine.view().leader == PeerId{2});
  CHECK(peer.accepted() == Index{1});
}

TEST_CASE("B5: a read needs a quorum, not one follower, and an entry of the leader's term (§6.4)") {
  Subject peer = leader_of_five();
  const auto early = peer.engine.start_read();
  CHECK(early.refusal() == Refusal::election_in_progress);
  for (std::uint64_t id : {2u, 3u})
    peer.receive(id, 2, AppendResponse{.verdict = Accepted{{2}}});
  REQUIRE(peer.commit() == Index{2});

  const auto read = peer.engine.start_read();
  REQUIRE(read);
  peer.settle();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}, .read = *read});
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}, .read = *read});
  peer.receive(4, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {}});
  CHECK(peer.reads.empty());
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{2}}, .read = *read});

  REQUIRE(peer.reads.size() == 1);
  CHECK(peer.reads[0].upto == *read);
  CHECK(peer.reads[0].index == Index{2});
}

TEST_CASE("B6: who steps down makes the term durable, forgets that it led, and tells its clients") {
  Subject peer;
  peer.become_leader();
  const Bytes waiting = payload("a");
  REQUIRE(peer.engine.propose({&waiting, 1}));
  peer.settle();
  peer.forget();

  peer.receive(2, 7, VoteResponse{.granted = false});

  REQUIRE(peer.writes.size() == 1);
  CHECK(peer.writes[0].hard_state.term == Term{7});
  CHECK(peer.engine.view().leader == nobody);
  CHECK(peer.role_changed);
  CHECK(peer.engine.propose({&waiting, 1}).refusal() == Refusal::redirect);
  CHECK(peer.engine.start_read().refusal() == Refusal::redirect);
  // An ordinary election timeout from here, not a heartbeat's.
  CHECK(peer.engine.next_deadline() >= peer.now + options().election_timeout_min);
}

TEST_CASE("B7: no number of rejections harms a leader") {
  Subject peer;
  peer.become_leader();
  peer.forget();

  for (int i = 0; i < 100; ++i)
    for (std::uint64_t previous : {2u, 1u, 0u, 77u})
      peer.receive(
          2, 2,
          AppendResponse{.verdict = Rejected{.previous = {{1}, {previous}}, .hint = {{9}, {99}}}});

  CHECK(peer.role() == Role::leader);
  CHECK(peer.engine.view().followers.at({2}).next >= Index{1});
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  CHECK(peer.commit() == Index{2});
}

TEST_CASE("B8: a follower catches up in batches and without waiting for a heartbeat") {
  std::vector<Entry> entries;
  for (std::uint64_t index = 2; index <= 1000; ++index)
    entries.push_back(command(1, index, "a command of some length"));
  Subject peer(entries);
  peer.become_leader();
  peer.forget();

  // Peer 2 has nothing but the configuration; not a moment passes.
  peer.receive(2, 2,
               AppendResponse{.verdict = Rejected{.previous = {{1}, {1000}}, .hint = {{1}, {1}}}});

  const auto requests = peer.sent<AppendRequest>();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].entries.size() == 1000);
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{1001}}});
  CHECK(peer.commit() == Index{1001});

  // Commands leave at once, ahead of the answers.
  peer.forget();
  for (int i = 0; i < 10; ++i) {
    const Bytes command = payload("x");
    REQUIRE(peer.engine.propose({&command, 1}));
    peer.settle();
  }
  std::size_t to_second = 0;
  for (const Message& message : peer.messages)
    to_second += message.to == PeerId{2} ? 1u : 0u;
  CHECK(to_second == 10);
}

TEST_CASE("B9: a cluster of one works, and configures itself once") {
  Subject lone({}, {.term = {1}}, voters({1}));
  Engine fresh(options(), {}, Time{});
  CHECK(fresh.next_deadline() == never);
  CHECK(fresh.bootstrap(voters({2, 3}), {5}).refusal() == Refusal::must_be_in_consensus_group);
  CHECK(fresh.bootstrap({}, {5}).refusal() == Refusal::invalid);
  CHECK(fresh.bootstrap(voters({1, 1}), {5}).refusal() == Refusal::invalid);
  Configuration endless = voters({1});
  endless.voters[0].name = std::string(100'000, 'x');
  CHECK(fresh.bootstrap(endless, {5}).refusal() == Refusal::invalid);
  CHECK(!fresh.has_output());

  REQUIRE(fresh.bootstrap(voters({1}), {5}));
  while (fresh.has_output())
    if (const Output output = fresh.take_output(); output.write)
      fresh.step(Persisted{output.write->id});

  CHECK(fresh.view().role == Role::leader);
  CHECK(fresh.view().commit == Index{1});
  CHECK(!fresh.bootstrap(voters({1, 2}), {6}));
  CHECK(fresh.start_read());
}

TEST_CASE("B10: a candidate that hears of a leader follows it at once, and answers") {
  Subject peer;
  peer.become_candidate();
  peer.forget();

  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});

  CHECK(peer.role() == Role::follower);
  CHECK(peer.engine.view().leader == PeerId{2});
  CHECK(peer.accepted() == Index{1});
  CHECK(peer.engine.next_deadline() >= peer.now + options().election_timeout_min);
}

TEST_CASE("B13: a configuration that is truncated is not in force any more") {
  Subject peer({configuration_entry(2, 2, voters({1, 2, 3, 4, 5}))}, {.term = {2}});
  REQUIRE(peer.engine.view().configuration.voters.size() == 5);

  peer.receive(2, 3, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(3, 2)}});

  CHECK(peer.engine.view().configuration == voters({1, 2, 3}));
  CHECK(peer.engine.view().configuration_index == Index{1});
}

}  // namespace troupe::test
