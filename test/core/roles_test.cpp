#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

// Every message, in every role, of a lower, the same and a higher term.

namespace troupe::test {

namespace {

/// In every role the peer is in term 5, and its log ends at 3/2; as leader at 5/3. Peer 3 is the
/// leader of term 5 that a follower knows.
Subject in_role(const std::string& role) {
  const HardState hard_state{.term = {role == "candidate" || role == "leader" ? 4u : 5u}};
  Subject peer({noop(3, 2)}, hard_state);
  if (role == "follower of 3")
    peer.receive(3, 5, AppendRequest{.previous = {{3}, {2}}});
  if (role == "pre_candidate")
    peer.become_pre_candidate();
  if (role == "candidate")
    peer.become_candidate();
  if (role == "leader")
    peer.become_leader();
  peer.forget();
  return peer;
}

std::string answer_text(const Message& message) {
  std::ostringstream out;
  if (const auto* vote = std::get_if<VoteResponse>(&message.body))
    out << (vote->granted ? "vote" : "no vote");
  else if (const auto* pre_vote = std::get_if<PreVoteResponse>(&message.body))
    out << (pre_vote->granted ? "pre-vote" : "no pre-vote");
  else if (const auto* response = std::get_if<AppendResponse>(&message.body))
    out << (std::holds_alternative<Accepted>(response->verdict) ? "accepted" : "rejected");
  else if (std::holds_alternative<VoteRequest>(message.body))
    out << "asks";
  else if (const auto* request = std::get_if<AppendRequest>(&message.body))
    out << "appends " << request->entries.size();
  else
    out << "other";
  out << "@" << message.term.value;
  return out.str();
}

/// "leader 5: vote@5", or "follower 5: -" if nothing is sent to peer 2.
std::string outcome(const std::string& role, std::uint64_t term, const Body& body) {
  Subject peer = in_role(role);
  REQUIRE(peer.term() == Term{5});
  peer.receive(2, term, body);
  std::ostringstream out;
  out << name(peer.role()) << " " << peer.term().value << ":";
  bool silent = true;
  for (const Message& message : peer.messages) {
    if (message.to != PeerId{2})
      continue;
    out << " " << answer_text(message);
    silent = false;
  }
  out << (silent ? " -" : "");
  return out.str();
}

struct Row {
  const char* role;
  const char* lower;   ///< A message of term 4,
  const char* same;    ///< of term 5,
  const char* higher;  ///< and of term 6.
};

void check(const Body& body, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.role);
    CHECK(outcome(row.role, 4, body) == row.lower);
    CHECK(outcome(row.role, 5, body) == row.same);
    CHECK(outcome(row.role, 6, body) == row.higher);
  }
}

}  // namespace

TEST_CASE("each role answers a vote request of a candidate with as good a log (§3.4, §4.2.3)") {
  check(
      VoteRequest{.last = {{5}, {3}}},
      {{"follower", "follower 5: no vote@5", "follower 5: vote@5", "follower 6: vote@6"},
       // A peer that hears a leader does not listen.
       {"follower of 3", "follower 5: -", "follower 5: -", "follower 5: -"},
       {"pre_candidate", "pre_candidate 5: no vote@5", "follower 5: vote@5", "follower 6: vote@6"},
       {"candidate", "candidate 5: no vote@5", "candidate 5: no vote@5", "follower 6: vote@6"},
       {"leader", "leader 5: -", "leader 5: -", "leader 5: -"}});
}

TEST_CASE("each role answers a vote request of a candidate with a worse log (§3.6.1)") {
  check(
      VoteRequest{.last = {{2}, {9}}},
      {{"follower", "follower 5: no vote@5", "follower 5: no vote@5", "follower 6: no vote@6"},
       {"pre_candidate", "pre_candidate 5: no vote@5", "pre_candidate 5: no vote@5",
        "follower 6: no vote@6"},
       {"candidate", "candidate 5: no vote@5", "candidate 5: no vote@5", "follower 6: no vote@6"}});
}

TEST_CASE("each role answers a vote request that its leader asked for (§3.10)") {
  check(
      VoteRequest{.last = {{5}, {3}}, .transfer = true},
      {{"follower", "follower 5: no vote@5", "follower 5: vote@5", "follower 6: vote@6"},
       {"follower of 3", "follower 5: no vote@5", "follower 5: no vote@5", "follower 6: vote@6"},
       {"pre_candidate", "pre_candidate 5: no vote@5", "follower 5: vote@5", "follower 6: vote@6"},
       {"candidate", "candidate 5: no vote@5", "candidate 5: no vote@5", "follower 6: vote@6"},
       {"leader", "leader 5: no vote@5", "leader 5: no vote@5", "follower 6: vote@6"}});
}

TEST_CASE("no role changes when it is asked for a pre-vote (§9.6)") {
  check(PreVoteRequest{.last = {{5}, {3}}},
        {{"follower", "follower 5: no pre-vote@5", "follower 5: no pre-vote@5",
          "follower 5: pre-vote@5"},
         {"follower of 3", "follower 5: no pre-vote@5", "follower 5: no pre-vote@5",
          "follower 5: no pre-vote@5"},
         {"pre_candidate", "pre_candidate 5: no pre-vote@5", "pre_candidate 5: no pre-vote@5",
          "pre_candidate 5: pre-vote@5"},
         {"candidate", "candidate 5: no pre-vote@5", "candidate 5: no pre-vote@5",
          "candidate 5: pre-vote@5"},
         {"leader", "leader 5: no pre-vote@5", "leader 5: no pre-vote@5",
          "leader 5: no pre-vote@5"}});
}

TEST_CASE("no role grants a pre-vote to a log worse than its own") {
  check(PreVoteRequest{.last = {{2}, {9}}},
        {{"follower", "follower 5: no pre-vote@5", "follower 5: no pre-vote@5",
          "follower 5: no pre-vote@5"},
         {"pre_candidate", "pre_candidate 5: no pre-vote@5", "pre_candidate 5: no pre-vote@5",
          "pre_candidate 5: no pre-vote@5"},
         {"candidate", "candidate 5: no pre-vote@5", "candidate 5: no pre-vote@5",
          "candidate 5: no pre-vote@5"}});
}

TEST_CASE("each role takes in a vote that is granted") {
  check(VoteResponse{.granted = true},
        {{"follower", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"follower of 3", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"pre_candidate", "pre_candidate 5: -", "pre_candidate 5: -", "follower 6: -"},
         {"candidate", "candidate 5: -", "leader 5: appends 1@5", "follower 6: -"},
         {"leader", "leader 5: -", "leader 5: -", "follower 6: -"}});
}

TEST_CASE("each role takes in a vote that is refused") {
  check(VoteResponse{.granted = false},
        {{"follower", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"pre_candidate", "pre_candidate 5: -", "pre_candidate 5: -", "follower 6: -"},
         {"candidate", "candidate 5: -", "candidate 5: -", "follower 6: -"},
         {"leader", "leader 5: -", "leader 5: -", "follower 6: -"}});
}

TEST_CASE("each role takes in a pre-vote, and only who waits for that one campaigns") {
  check(PreVoteResponse{.granted = true, .asked = {6}},
        {{"follower", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"pre_candidate", "candidate 6: asks@6", "candidate 6: asks@6", "follower 6: -"},
         {"candidate", "candidate 5: -", "candidate 5: -", "follower 6: -"},
         {"leader", "leader 5: -", "leader 5: -", "follower 6: -"}});
  check(PreVoteResponse{.granted = true, .asked = {5}},
        {{"pre_candidate", "pre_candidate 5: -", "pre_candidate 5: -", "follower 6: -"}});
}

TEST_CASE("each role answers an append request that fits its log (§3.5)") {
  check(
      AppendRequest{.previous = {{3}, {2}}},
      {{"follower", "follower 5: rejected@5", "follower 5: accepted@5", "follower 6: accepted@6"},
       // Peer 3 leads term 5: who else says so is no peer of ours.
       {"follower of 3", "follower 5: rejected@5", "follower 5: -", "follower 6: accepted@6"},
       {"pre_candidate", "pre_candidate 5: rejected@5", "follower 5: accepted@5",
        "follower 6: accepted@6"},
       {"candidate", "candidate 5: rejected@5", "follower 5: accepted@5", "follower 6: accepted@6"},
       {"leader", "leader 5: rejected@5", "leader 5: -", "follower 6: accepted@6"}});
}

TEST_CASE("each role answers an append request that does not fit its log (§3.5)") {
  check(
      AppendRequest{.previous = {{4}, {8}}},
      {{"follower", "follower 5: rejected@5", "follower 5: rejected@5", "follower 6: rejected@6"},
       {"pre_candidate", "pre_candidate 5: rejected@5", "follower 5: rejected@5",
        "follower 6: rejected@6"},
       {"candidate", "candidate 5: rejected@5", "follower 5: rejected@5", "follower 6: rejected@6"},
       {"leader", "leader 5: rejected@5", "leader 5: -", "follower 6: rejected@6"}});
}

TEST_CASE("each role takes in an acceptance, and only a leader of its term cares") {
  check(AppendResponse{.verdict = Accepted{{3}}},
        {{"follower", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"pre_candidate", "pre_candidate 5: -", "pre_candidate 5: -", "follower 6: -"},
         {"candidate", "candidate 5: -", "candidate 5: -", "follower 6: -"},
         {"leader", "leader 5: -", "leader 5: -", "follower 6: -"}});
}

TEST_CASE("each role takes in a rejection, and a leader of its term sends what lacks") {
  check(AppendResponse{.verdict = Rejected{.previous = {{3}, {2}}, .hint = {{1}, {1}}}},
        {{"follower", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"candidate", "candidate 5: -", "candidate 5: -", "follower 6: -"},
         {"leader", "leader 5: -", "leader 5: appends 2@5", "follower 6: -"}});
}

TEST_CASE("only the leader's own followers campaign when they are told to (§3.10)") {
  check(TimeoutNow{},
        {{"follower", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"follower of 3", "follower 5: -", "follower 5: -", "follower 6: -"},
         {"pre_candidate", "pre_candidate 5: -", "pre_candidate 5: -", "follower 6: -"},
         {"candidate", "candidate 5: -", "candidate 5: -", "follower 6: -"},
         {"leader", "leader 5: -", "leader 5: -", "follower 6: -"}});
  Subject peer = in_role("follower of 3");
  peer.receive(3, 5, TimeoutNow{});
  CHECK(peer.role() == Role::candidate);
  CHECK(peer.term() == Term{6});
}

}  // namespace troupe::test
