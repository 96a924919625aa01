#include "core/invariants.hpp"
#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <string>

// A peer whose disk was set back to an older copy: docs/decisions/0009.

namespace troupe::test {

namespace {

using std::chrono::milliseconds;

constexpr Duration beat = milliseconds(30);

/// Leads term 2 with entries 1/1 to 2/5; peer 2 has acknowledged them all, peer 3 nothing.
Subject leader_of_two() {
  Subject peer;
  peer.become_leader();
  for (int i = 0; i < 3; ++i)
    REQUIRE(peer.engine.propose(std::vector{Bytes::copy_of("x")}));
  peer.settle();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{5}}, .sent_at = peer.now});
  REQUIRE(peer.engine.view().followers.at({2}).match == Index{5});
  REQUIRE(peer.commit() == Index{5});
  peer.tick(beat);
  peer.forget();
  return peer;
}

/// To an entry that peer 2 has acknowledged.
AppendResponse rejection(Time sent_at, Index previous = {5}) {
  return {.verdict = Rejected{.previous = {{2}, previous}, .hint = {{1}, {1}}}, .sent_at = sent_at};
}

FollowerView follower(const Subject& peer, std::uint64_t id = 2) {
  return peer.engine.view().followers.at({id});
}

/// Follows peer 2 in term 2 with entries 1/1 to 1/`last`, and claims to have more.
void claim(Subject& peer, EntryId acknowledged, EntryId previous = {{1}, {1}}) {
  peer.receive(2, 2,
               AppendRequest{.previous = previous,
                             .commit = {1},
                             .sent_at = milliseconds(7),
                             .acknowledged = acknowledged});
}

Subject set_back_follower() {
  Subject peer({noop(1, 2)});
  claim(peer, {{2}, {5}});
  REQUIRE(peer.engine.view().hard_state.set_back);
  return peer;
}

void propose(Subject& peer) {
  REQUIRE(peer.engine.propose(std::vector{Bytes::copy_of("x")}));
  peer.settle();
}

}  // namespace

TEST_CASE("a rejection below match, of a request that left after match was heard, proves a loss") {
  Subject peer = leader_of_two();
  peer.receive(2, 2, rejection(peer.now));
  CHECK(follower(peer).set_back);
  CHECK(follower(peer).acknowledged == Index{5});
  CHECK(follower(peer).match == Index{});
  CHECK(peer.commit() == Index{5});
  REQUIRE(peer.losses.size() == 1);
  CHECK(peer.losses[0].peer == PeerId{2});
  CHECK(peer.losses[0].acknowledged == Index{5});
  CHECK(peer.losses[0].last == Index{1});
  // Once.
  peer.tick(beat);
  peer.receive(2, 2, rejection(peer.now));
  CHECK(peer.losses.size() == 1);
}

TEST_CASE("late and repeated rejections prove nothing, nor those of another term or time") {
  Subject peer = leader_of_two();
  const Time heard = peer.now - beat;
  peer.receive(2, 2,
               rejection(heard));  // Left at the moment when match was heard: before, perhaps.
  peer.receive(2, 2, rejection(heard - milliseconds(1)));
  peer.receive(2, 2, rejection({}));  // To a request of an older term.
  peer.receive(2, 2, rejection(peer.now + milliseconds(1)));
  peer.receive(2, 1, rejection(peer.now));
  peer.receive(2, 2, rejection(peer.now, {6}));
  peer.receive(3, 2, rejection(peer.now, {1}));  // It has acknowledged nothing.
  CHECK(!follower(peer).set_back);
  CHECK(!follower(peer, 3).set_back);
  CHECK(follower(peer).match == Index{5});
  CHECK(peer.losses.empty());
}

TEST_CASE("who was set back counts for no commit, no read, no lease, and not as heard") {
  Subject peer = leader_of_two();
  peer.receive(2, 2,
               AppendResponse{.verdict = Accepted{{5}},
                              .sent_at = peer.now,
                              .promised = options().election_timeout_min});
  CHECK(peer.engine.lease_until());
  peer.tick(milliseconds(1));
  propose(peer);
  peer.receive(2, 2, rejection(peer.now));
  REQUIRE(follower(peer).set_back);
  CHECK(!peer.engine.lease_until());
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{6}}, .sent_at = peer.now});
  CHECK(peer.commit() == Index{5});
  CHECK(follower(peer).match == Index{});
  const auto read = peer.engine.start_read();
  REQUIRE(read);
  peer.settle();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{6}}, .read = *read});
  CHECK(peer.reads.empty());
  // Peer 3 is enough for all of that.
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{6}}, .read = *read});
  CHECK(peer.commit() == Index{6});
  CHECK(peer.reads.size() == 1);
}

TEST_CASE("a leader whose quorum needs a peer that was set back steps down at once") {
  Subject peer = leader_of_two();
  while (peer.role() == Role::leader && peer.now < milliseconds(900)) {
    peer.tick(beat);  // Until peer 3 was not heard for an election timeout.
    peer.receive(2, 2, AppendResponse{.verdict = Accepted{{5}}, .sent_at = peer.now});
  }
  REQUIRE(peer.role() == Role::leader);
  peer.receive(2, 2, rejection(peer.now));
  CHECK(follower(peer).set_back);
  peer.tick(milliseconds(1));
  CHECK(peer.role() != Role::leader);
}

TEST_CASE("a leader whose quorum needs a peer that was set back does not hear its answers") {
  Subject peer = leader_of_two();
  peer.receive(2, 2, rejection(peer.now));
  for (int i = 0; i < 20 && peer.role() == Role::leader; ++i) {
    peer.tick(beat);
    peer.receive(2, 2, AppendResponse{.verdict = Accepted{{5}}, .sent_at = peer.now});
  }
  CHECK(peer.role() != Role::leader);
}

TEST_CASE("who was set back is sent heartbeats that claim what it acknowledged, and no entries") {
  Subject peer = leader_of_two();
  peer.receive(2, 2, rejection(peer.now));
  propose(peer);
  peer.forget();
  peer.tick(beat);
  bool heard = false;
  for (const Message& message : peer.messages) {
    if (message.to != PeerId{2})
      continue;
    const auto& request = std::get<AppendRequest>(message.body);
    CHECK(request.entries.empty());
    CHECK(request.acknowledged.index == Index{5});
    CHECK(!request.quiet);
    heard = true;
  }
  CHECK(heard);
}

TEST_CASE("leadership goes to nobody who was set back") {
  Subject peer = leader_of_two();
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{1}}, .sent_at = peer.now});
  peer.receive(2, 2, rejection(peer.now));
  CHECK(peer.engine.transfer({2}).refusal() == Refusal::not_found);
  const auto chosen = peer.engine.transfer(nobody);
  REQUIRE(chosen);
  CHECK(*chosen == PeerId{3});
}

TEST_CASE("a follower that says that it was set back is believed by every leader") {
  Subject peer;
  peer.become_leader();
  peer.receive(2, 2,
               AppendResponse{.verdict = Rejected{.previous = {{1}, {1}}, .hint = {}},
                              .sent_at = {},
                              .set_back = true});
  CHECK(follower(peer).set_back);
  CHECK(peer.losses.size() == 1);
}

TEST_CASE("a leader claims what a follower has acknowledged, and no more") {
  Subject peer;
  peer.become_leader();
  propose(peer);
  for (const AppendRequest& request : peer.sent<AppendRequest>())
    CHECK(request.acknowledged == EntryId{});
  peer.forget();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  peer.tick(beat);
  bool claimed = false;
  for (const Message& message : peer.messages)
    if (const auto* request = std::get_if<AppendRequest>(&message.body)) {
      CHECK(request->acknowledged == (message.to == PeerId{2} ? EntryId{{2}, {2}} : EntryId{}));
      claimed = claimed || message.to == PeerId{2};
    }
  CHECK(claimed);
}

TEST_CASE("a follower that lacks what it acknowledged was set back, and writes it down") {
  Subject peer({noop(1, 2)}, {.term = {2}});  // There is nothing else to write.
  peer.instant_disk = false;
  claim(peer, {{2}, {5}});
  CHECK(peer.engine.view().hard_state.set_back);
  REQUIRE(!peer.writes.empty());
  CHECK(peer.writes.back().hard_state.set_back);
  const auto answers = peer.sent<AppendResponse>();
  REQUIRE(!answers.empty());
  CHECK(answers.back().set_back);
  CHECK(std::holds_alternative<Rejected>(answers.back().verdict));
  CHECK(answers.back().promised == Duration{});
  REQUIRE(peer.losses.size() == 1);
  CHECK(peer.losses[0].peer == self);
  CHECK(peer.losses[0].acknowledged == Index{5});
  CHECK(peer.losses[0].last == Index{2});
}

TEST_CASE("another entry in the place of what was acknowledged shows a loss, too") {
  Subject peer({noop(1, 2), noop(1, 3), noop(1, 4)});
  claim(peer, {{2}, {3}});
  CHECK(peer.engine.view().hard_state.set_back);
}

TEST_CASE("who holds what it acknowledged is not accused, however old the claim is") {
  Subject peer({noop(1, 2)});
  claim(peer, {{1}, {2}});
  claim(peer, {{1}, {1}});
  claim(peer, {});
  CHECK(!peer.engine.view().hard_state.set_back);
  CHECK(peer.losses.empty());
  CHECK(peer.accepted() == Index{1});
  // A claim of an older term is not looked at.
  peer.receive(3, 3, AppendRequest{.previous = {{1}, {1}}});
  claim(peer, {{2}, {5}});
  CHECK(!peer.engine.view().hard_state.set_back);
}

TEST_CASE("who was set back grants no vote, and does not campaign, also when it is told to") {
  Subject peer = set_back_follower();
  peer.forget();
  peer.receive(2, 2, TimeoutNow{});
  CHECK(peer.role() == Role::follower);
  peer.tick(std::chrono::seconds(10));
  CHECK(peer.role() == Role::follower);
  CHECK(peer.sent<PreVoteRequest>().empty());
  CHECK(peer.engine.next_deadline() == never);
  peer.receive(3, 3, PreVoteRequest{.last = {{2}, {9}}});
  peer.receive(3, 3, VoteRequest{.last = {{2}, {9}}});
  REQUIRE(peer.sent<PreVoteResponse>().size() == 1);
  CHECK(!peer.sent<PreVoteResponse>()[0].granted);
  REQUIRE(peer.sent<VoteResponse>().size() == 1);
  CHECK(!peer.sent<VoteResponse>()[0].granted);
  CHECK(peer.term() == Term{3});
  CHECK(peer.engine.view().hard_state.voted_for == nobody);
}

TEST_CASE("who was set back accepts nothing, promises nothing and does not sleep") {
  Subject peer = set_back_follower();
  peer.forget();
  peer.receive(
      2, 2,
      AppendRequest{
          .previous = {{1}, {2}}, .commit = {3}, .entries = {command(2, 3)}, .quiet = true});
  CHECK(peer.engine.log().last().index == Index{2});
  CHECK(!peer.engine.is_quiet());
  CHECK(peer.commit() <= Index{2});
  const SnapshotHead head{
      .place = {.id = {{2}, {9}}, .configuration = voters({1, 2, 3}), .configuration_index = {1}},
      .size_bytes = 3,
      .hash = 4};
  peer.receive(2, 2, SnapshotChunk{.head = head, .offset = 0, .data = Bytes::copy_of("abc")});
  CHECK(!peer.engine.view().receiving);
  for (const AppendResponse& answer : peer.sent<AppendResponse>()) {
    CHECK(answer.set_back);
    CHECK(std::holds_alternative<Rejected>(answer.verdict));
    CHECK(answer.promised == Duration{});
  }
}

TEST_CASE("who finds out that it was set back does not say what it was about to promise") {
  Subject peer({noop(1, 2)});
  peer.engine.step(Message{.cluster = our_cluster,
                           .from = {2},
                           .to = self,
                           .term = {2},
                           .body = AppendRequest{.previous = {{1}, {2}}}});
  claim(peer, {{2}, {5}});
  for (const AppendResponse& answer : peer.sent<AppendResponse>())
    CHECK(std::holds_alternative<Rejected>(answer.verdict));
}

TEST_CASE("who was set back sends reads to its leader") {
  Subject peer = set_back_follower();
  CHECK(peer.engine.start_read().refusal() == Refusal::redirect);
  CHECK(peer.engine.leader() == PeerId{2});
}

TEST_CASE("who was set back still knows it when it starts again") {
  Subject peer({noop(1, 2)}, {.term = {2}, .set_back = true});
  peer.tick(std::chrono::seconds(10));
  CHECK(peer.role() == Role::follower);
  peer.receive(3, 3, AppendRequest{.previous = {{1}, {2}}});
  REQUIRE(!peer.sent<AppendResponse>().empty());
  CHECK(peer.sent<AppendResponse>().back().set_back);
}

TEST_CASE("who was set back only follows, and stays so") {
  EngineView view;
  view.self = self;
  view.hard_state = {.term = {1}, .voted_for = self, .set_back = true};
  CHECK(!broken_invariant(view, view));
  EngineView leads = view;
  leads.role = Role::candidate;
  CHECK(broken_invariant(view, leads) == "who was set back only follows");
  EngineView forgot = view;
  forgot.hard_state.set_back = false;
  CHECK(broken_invariant(view, forgot) == "who was set back stays so");
}

}  // namespace troupe::test
