#include "test/core/subject.hpp"

#include <doctest/doctest.h>

namespace troupe::test {

TEST_CASE("a follower accepts entries when its disk has them, not before") {
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(2, 2)}});
  REQUIRE(peer.writes.size() == 1);
  CHECK(peer.sent<AppendResponse>().empty());

  peer.persisted(1);

  CHECK(peer.accepted() == Index{2});
}

TEST_CASE("one notice confirms all writes up to it") {
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(2, 2)}});
  peer.receive(2, 2, AppendRequest{.previous = {{2}, {2}}, .entries = {command(2, 3)}});

  peer.persisted(2);

  CHECK(peer.accepted() == Index{3});
  CHECK(peer.engine.view().persisted == Index{3});
}

TEST_CASE("a late notice for a suffix that was truncated confirms nothing") {
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(2, 2), command(2, 3)}});
  peer.receive(3, 3, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(3, 2), command(3, 3)}});

  peer.persisted(1);

  CHECK(peer.engine.view().persisted == Index{1});
  CHECK(!peer.accepted());
  peer.persisted(2);
  CHECK(peer.accepted() == Index{3});
}

TEST_CASE("a late notice confirms nothing of a suffix that was truncated and came back") {
  // 2/2 and 2/3 are written (1), cut off by term 3 (2), and come back with term 4 (3). When the
  // first write is durable the log ends like it did then, but the second is about to take it
  // from the disk again.
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(2, 2), command(2, 3)}});
  peer.receive(3, 3, AppendRequest{.previous = {{1}, {1}}, .entries = {noop(3, 2)}});
  peer.receive(
      2, 4,
      AppendRequest{.previous = {{1}, {1}}, .entries = {noop(2, 2), command(2, 3), noop(4, 4)}});
  REQUIRE(peer.writes.size() == 3);

  peer.persisted(1);

  CHECK(peer.engine.view().persisted == Index{1});
  peer.persisted(2);
  CHECK(peer.engine.view().persisted == Index{1});
  peer.persisted(3);
  CHECK(peer.engine.view().persisted == Index{4});
}

TEST_CASE("a vote is given when it is durable, not before (§3.8)") {
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 2, VoteRequest{.last = {{1}, {1}}});
  REQUIRE(peer.writes.size() == 1);
  CHECK(peer.writes[0].hard_state == HardState{{2}, {2}, our_cluster});
  CHECK(peer.sent<VoteResponse>().empty());

  peer.persisted(1);

  REQUIRE(peer.sent<VoteResponse>().size() == 1);
  CHECK(peer.sent<VoteResponse>()[0].granted);
}

TEST_CASE("a candidate asks for votes when its own is durable, not before (§3.8)") {
  Subject peer;
  peer.instant_disk = false;
  peer.become_candidate();
  REQUIRE(peer.role() == Role::candidate);
  CHECK(peer.sent<VoteRequest>().empty());

  peer.persisted(1);

  CHECK(peer.sent<VoteRequest>().size() == 2);
}

TEST_CASE("a vote held for the disk is not given any more in a later term") {
  Subject peer;
  peer.instant_disk = false;
  peer.receive(2, 2, VoteRequest{.last = {{1}, {1}}});
  peer.receive(3, 5, VoteRequest{.last = {{1}, {1}}});

  peer.persisted(1);
  CHECK(peer.sent<VoteResponse>().empty());
  peer.persisted(2);

  REQUIRE(peer.messages.size() == 1);
  CHECK(peer.messages[0].to == PeerId{3});
  CHECK(peer.messages[0].term == Term{5});
}

TEST_CASE("a candidate with a slow disk finishes one candidacy before it begins another") {
  Subject peer;
  peer.instant_disk = false;
  peer.become_candidate();

  peer.now = peer.engine.next_deadline();
  peer.step(Tick{peer.now});

  CHECK(peer.role() == Role::candidate);
  CHECK(peer.term() == Term{2});
  CHECK(peer.engine.next_deadline() > peer.now);
}

TEST_CASE("who is alone leads when its vote is durable, so that no term is led twice") {
  Subject peer({}, {.term = {1}}, voters({1}));
  peer.instant_disk = false;

  peer.become_pre_candidate();
  CHECK(peer.role() == Role::candidate);
  CHECK(peer.term() == Term{2});
  peer.persisted(1);

  CHECK(peer.role() == Role::leader);
  CHECK(peer.commit() == Index{0});
  peer.persisted(2);
  CHECK(peer.commit() == Index{2});
}

TEST_CASE("a leader commits with a quorum of others before its own disk is done (§10.2.1)") {
  Subject peer;
  peer.become_leader();
  peer.instant_disk = false;
  const Bytes payload = Bytes::copy_of("a");
  REQUIRE(peer.engine.propose({&payload, 1}));
  peer.settle();
  REQUIRE(peer.engine.log().last() == EntryId{{2}, {3}});

  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}});
  CHECK(peer.commit() < Index{3});  // Itself it does not count yet.
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{3}}});

  CHECK(peer.commit() == Index{3});
  CHECK(peer.engine.view().persisted == Index{2});
}

}  // namespace troupe::test
