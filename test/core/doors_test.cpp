#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

// What clients and operators ask for, and time.

namespace troupe::test {

using std::chrono::milliseconds;

namespace {

Result<EntryId> propose(Subject& peer, std::initializer_list<std::string> texts) {
  std::vector<Bytes> payloads;
  for (const std::string& text : texts)
    payloads.push_back(Bytes::copy_of(text));
  auto result = peer.engine.propose(payloads);
  peer.settle();
  return result;
}

Subject leader(const EngineOptions& limits = options()) {
  Subject peer;
  peer.engine = Engine(limits, Subject::recovered({}, {.term = {1}}, voters({1, 2, 3})), Time{});
  peer.become_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  REQUIRE(peer.commit() == Index{2});
  peer.forget();
  return peer;
}

}  // namespace

TEST_CASE("commands of one proposal stand side by side, and leave in one message") {
  Subject peer = leader();

  const auto first = propose(peer, {"a", "b", "c"});

  REQUIRE(first);
  CHECK(*first == EntryId{{2}, {3}});
  CHECK(peer.engine.log().last() == EntryId{{2}, {5}});
  REQUIRE(peer.writes.size() == 1);
  CHECK(peer.writes[0].entries.size() == 3);
  for (const AppendRequest& request : peer.sent<AppendRequest>())
    CHECK((request.entries.empty() || request.entries.size() == 3));
}

TEST_CASE("a proposal with one command that is too large appends nothing") {
  EngineOptions limits = options();
  limits.entry_bytes_max = 100;
  Subject peer = leader(limits);

  const auto refused = propose(peer, {"a", std::string(101, 'x')});

  CHECK(refused.refusal() == Refusal::too_large);
  CHECK(refused.detail() == "100");
  CHECK(peer.engine.log().last() == EntryId{{2}, {2}});
  CHECK(propose(peer, {std::string(100, 'x')}));
}

TEST_CASE("a leader that holds too much uncommitted is busy until some of it is committed") {
  EngineOptions limits = options();
  limits.entry_bytes_max = 1000;
  limits.uncommitted_bytes_max = 2000;
  Subject peer = leader(limits);
  REQUIRE(propose(peer, {std::string(930, 'x')}));
  REQUIRE(propose(peer, {std::string(930, 'y')}));

  CHECK(propose(peer, {"z"}).refusal() == Refusal::busy);
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}});

  CHECK(propose(peer, {"z"}));
}

TEST_CASE("what is on its way to a follower stays within its window; heartbeats go on") {
  EngineOptions limits = options();
  limits.window_messages_max = 2;
  Subject peer = leader(limits);
  for (int i = 0; i < 5; ++i)
    REQUIRE(propose(peer, {"a"}));
  std::size_t with_entries = 0;
  for (const Message& message : peer.messages)
    if (const auto* request = std::get_if<AppendRequest>(&message.body))
      with_entries += message.to == PeerId{2} && !request->entries.empty() ? 1u : 0u;
  CHECK(with_entries == 2);

  peer.forget();
  peer.tick(milliseconds(30));
  CHECK(!peer.sent<AppendRequest>().empty());

  // An answer opens the window for all that has gathered.
  peer.forget();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{4}}});
  REQUIRE(peer.sent<AppendRequest>().size() == 1);
  CHECK(peer.sent<AppendRequest>()[0].entries.size() == 3);
}

TEST_CASE("an entry larger than a request may be travels alone") {
  EngineOptions limits = options();
  limits.append_bytes_max = 100;
  Subject peer = leader(limits);

  REQUIRE(propose(peer, {std::string(1000, 'x'), "b"}));

  std::vector<std::size_t> sizes;
  for (const Message& message : peer.messages)
    if (message.to == PeerId{2})
      sizes.push_back(std::get<AppendRequest>(message.body).entries.size());
  CHECK(sizes == std::vector<std::size_t>{1, 1});
}

TEST_CASE("while it hands over a leader refuses commands, and takes them again when it gives up") {
  Subject peer = leader();
  REQUIRE(peer.engine.transfer({3}));
  peer.settle();

  CHECK(propose(peer, {"a"}).refusal() == Refusal::election_in_progress);
  CHECK(peer.engine.start_read());  // A quorum confirms it in any case.
  peer.tick(options().election_timeout_max - milliseconds(1));
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  CHECK(propose(peer, {"a"}).refusal() == Refusal::election_in_progress);
  peer.tick(milliseconds(1));

  CHECK(propose(peer, {"a"}));
}

TEST_CASE("leadership goes to a voter, to the furthest if none is named, and never to ourselves") {
  Subject peer = leader();

  CHECK(peer.engine.transfer({9}).refusal() == Refusal::not_found);
  CHECK(peer.engine.transfer(self).refusal() == Refusal::not_found);
  const auto to = peer.engine.transfer(nobody);
  REQUIRE(to);
  CHECK(*to == PeerId{2});
  peer.settle();
  CHECK(peer.sent<TimeoutNow>().size() == 1);

  Subject lone({}, {.term = {1}}, voters({1}));
  lone.become_pre_candidate();
  REQUIRE(lone.role() == Role::leader);
  CHECK(lone.engine.transfer(nobody).refusal() == Refusal::not_found);
}

TEST_CASE("leadership does not go back at once to who has just handed it over") {
  Subject peer;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});
  peer.receive(2, 2, TimeoutNow{});
  peer.receive(3, 3, VoteResponse{.granted = true});
  REQUIRE(peer.role() == Role::leader);
  const auto both_accept = [&] {
    for (const std::uint64_t follower : {2U, 3U})
      peer.receive(follower, 3, AppendResponse{.verdict = Accepted{{2}}});
  };
  both_accept();
  const auto heir = [&] {
    const auto to = peer.engine.transfer(nobody);
    REQUIRE(to);
    return *to;
  };

  CHECK(heir() == PeerId{3});
  for (int i = 0; i < 3; ++i) {  // Nothing comes of it, and peer 2 is still there.
    peer.tick(options().election_timeout_max / 3);
    both_accept();
  }

  CHECK(heir() == PeerId{2});
}

TEST_CASE("a target is told to campaign once it has all that its leader has (§3.10)") {
  Subject peer = leader();
  REQUIRE(propose(peer, {"a"}));
  REQUIRE(peer.engine.transfer({2}));
  peer.settle();
  CHECK(peer.sent<TimeoutNow>().empty());

  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}});
  CHECK(peer.sent<TimeoutNow>().size() == 1);
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}});

  CHECK(peer.sent<TimeoutNow>().size() == 1);
}

TEST_CASE("a leader hands over when all that it took is committed, and not sooner") {
  Subject peer = leader();
  peer.instant_disk = false;
  REQUIRE(propose(peer, {"a"}));
  REQUIRE(peer.engine.transfer({2}));

  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{3}}});
  CHECK(peer.commit() == Index{2});
  CHECK(peer.sent<TimeoutNow>().empty());
  peer.persisted(peer.writes.back().id.value);

  CHECK(peer.commit() == Index{3});
  CHECK(peer.sent<TimeoutNow>().size() == 1);
}

TEST_CASE("a leader should stay while too few of those who answer hold nearly all it has") {
  EngineOptions limits = options();
  limits.append_bytes_max = 1000;
  Subject peer = leader(limits);
  CHECK(peer.engine.should_stay());  // Peer 3 has not said where its log ends.
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{2}}});
  CHECK_FALSE(peer.engine.should_stay());

  REQUIRE(propose(peer, {std::string(1000, 'x'), "b"}));
  CHECK_FALSE(peer.engine.should_stay());  // Nobody has it: as good as the others.
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{4}}});
  CHECK(peer.engine.should_stay());
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{3}}});

  CHECK_FALSE(peer.engine.should_stay());
}

TEST_CASE("a leader need not stay for who does not answer, nor a follower at all") {
  Subject peer = leader();
  CHECK(peer.engine.should_stay());

  for (int i = 0; i < 10; ++i) {
    peer.tick(options().election_timeout_max / 10);
    peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  }
  REQUIRE(peer.role() == Role::leader);
  CHECK_FALSE(peer.engine.should_stay());

  CHECK_FALSE(Subject().engine.should_stay());
}

TEST_CASE("a read is ready as soon as its quorum is, and not with the next heartbeat") {
  Subject peer = leader();
  const auto read = peer.engine.start_read();
  REQUIRE(read);
  peer.settle();
  REQUIRE(peer.sent<AppendRequest>().size() == 2);

  peer.engine.step(Message{.cluster = our_cluster,
                           .from = {3},
                           .to = self,
                           .term = {2},
                           .body = AppendResponse{.verdict = Accepted{{2}}, .read = *read}});

  CHECK(peer.engine.has_output());
  peer.settle();
  CHECK(peer.reads.size() == 1);
}

TEST_CASE("an idle leader speaks with every heartbeat, and sleeps in between") {
  Subject peer = leader();
  peer.now = peer.engine.next_deadline();
  peer.step(Tick{peer.now});
  CHECK(peer.sent<AppendRequest>().size() == 2);

  CHECK(peer.engine.next_deadline() == peer.now + options().heartbeat_interval);
  peer.forget();
  peer.tick(options().heartbeat_interval - milliseconds(1));
  CHECK(peer.messages.empty());
  peer.tick(milliseconds(1));
  CHECK(peer.sent<AppendRequest>().size() == 2);
}

TEST_CASE("election deadlines lie between the two timeouts, and differ from peer to peer") {
  std::vector<Time> deadlines;
  for (std::uint64_t id = 1; id <= 20; ++id) {
    const Engine engine(options({id}), Subject::recovered({}, {.term = {1}}, voters({id, 100})),
                        Time{1000});
    CHECK(engine.next_deadline() >= Time{1000} + options().election_timeout_min);
    CHECK(engine.next_deadline() < Time{1000} + options().election_timeout_max);
    deadlines.push_back(engine.next_deadline());
  }
  std::ranges::sort(deadlines);
  CHECK(std::ranges::adjacent_find(deadlines) == deadlines.end());
}

TEST_CASE("time that goes back is no time at all") {
  Subject peer = leader();
  peer.tick(milliseconds(10));
  const Time deadline = peer.engine.next_deadline();

  peer.step(Tick{Time{0}});

  CHECK(peer.role() == Role::leader);
  CHECK(peer.engine.next_deadline() == deadline);
}

TEST_CASE("a peer that does not vote waits for others to speak first") {
  Subject learner({}, {.term = {1}}, voters({2, 3}));
  CHECK(learner.engine.next_deadline() == never);

  learner.tick(std::chrono::hours(1));

  CHECK(learner.role() == Role::follower);
  CHECK(learner.messages.empty());
}

TEST_CASE("a peer without a connection to its leader names none, until it hears from it") {
  Subject peer;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});
  REQUIRE(peer.engine.view().leader == PeerId{2});
  peer.forget();

  peer.step(Disconnected{{3}});
  CHECK(peer.engine.view().leader == PeerId{2});
  peer.step(Disconnected{{2}});

  CHECK(peer.engine.view().leader == nobody);
  CHECK(peer.role_changed);
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});
  CHECK(peer.engine.view().leader == PeerId{2});
}

TEST_CASE("who loses the connection to its leader campaigns as soon as others may vote (§3.4)") {
  const EngineOptions defaults = options();
  for (std::uint64_t heard_ms = 0; heard_ms < 400; heard_ms += 20) {
    Subject peer;
    peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});
    const Time heard = peer.now;
    const Time deadline = peer.engine.next_deadline();
    const Duration passed = std::chrono::milliseconds(heard_ms);
    if (heard + passed >= deadline)
      break;
    peer.tick(passed);
    peer.step(Disconnected{{2}});

    const Time hastened = peer.engine.next_deadline();
    const Time free = std::max(peer.now, heard + defaults.election_timeout_min);
    CHECK(hastened <= deadline);
    CHECK((hastened == deadline || hastened >= free + defaults.heartbeat_interval / 4));
    CHECK(hastened <= free + defaults.heartbeat_interval);
    peer.step(Disconnected{{2}});
    CHECK(peer.engine.next_deadline() == hastened);

    // It was the connection alone: all is as if it had never been lost.
    peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});
    CHECK(peer.engine.next_deadline() >= peer.now + defaults.election_timeout_min);
  }
}

TEST_CASE("who grants a pre-vote lets the asker go first, and only then (§3.4)") {
  const EngineOptions defaults = options();
  Subject peer;
  peer.receive(2, 2, AppendRequest{.previous = {{1}, {1}}});
  peer.step(Disconnected{{2}});
  const Time deadline = peer.engine.next_deadline();
  peer.tick(deadline - peer.now - std::chrono::milliseconds(1));
  REQUIRE(peer.role() == Role::follower);

  peer.receive(3, 3, PreVoteRequest{.last = {}});  // Has less than we do.
  CHECK(peer.engine.next_deadline() == deadline);
  peer.receive(3, 3, PreVoteRequest{.last = {{2}, {9}}});
  CHECK(peer.engine.next_deadline() == peer.now + defaults.heartbeat_interval / 2);

  peer.tick(defaults.heartbeat_interval / 2);
  CHECK(peer.role() == Role::pre_candidate);  // It did not make it.
}

TEST_CASE("a restarted peer applies again, from the first entry, what it learns to be committed") {
  Subject peer({command(1, 2, "a"), command(1, 3, "b")});
  CHECK(peer.committed.empty());

  peer.receive(2, 2, AppendRequest{.previous = {{1}, {3}}, .commit = {2}});

  REQUIRE(peer.committed.size() == 2);
  CHECK(peer.committed[1].payload.text() == "a");
}

TEST_CASE("the same inputs in the same order give the same outputs") {
  const auto run = [] {
    Subject peer({noop(1, 2)});
    peer.become_leader();
    for (int i = 0; i < 5; ++i) {
      (void)propose(peer, {"a", "b"});
      peer.tick(milliseconds(17));
      peer.receive(2, 2, AppendResponse{.verdict = Accepted{{static_cast<std::uint64_t>(3 + i)}}});
    }
    peer.tick(milliseconds(400));
    peer.become_pre_candidate();
    return peer;
  };
  const Subject one = run();
  const Subject other = run();

  CHECK(one.now == other.now);
  CHECK(one.messages.size() == other.messages.size());
  CHECK(one.writes.size() == other.writes.size());
  CHECK(one.committed == other.committed);
}

}  // namespace troupe::test
