#include "actors/peer/peer_log.hpp"

#include "actors/runtime/recent_max.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors::test {
namespace {

using namespace std::chrono_literals;

Member member(std::uint64_t id) {
  return {{id}, "p" + std::to_string(id), "h:" + std::to_string(id)};
}

struct Logged {
  EngineView view{.self = {1}, .role = Role::follower, .hard_state = {.term = {5}}};
  std::vector<std::string> lines{};
  std::vector<News> news{};
  PeerLog log{"p1", 900ms, [this](const News& told) { news.push_back(told); },
              [this](LogLevel, std::string_view event, const auto& fields) {
                lines.push_back(log_text(event, fields));
              }};

  Logged() {
    for (std::uint64_t id = 1; id <= 3; ++id)
      view.configuration.voters.push_back(member(id));
    view.configuration_index = view.commit = {1};
  }

  void role(Role now_is, Time now, const std::string& leader = {}) {
    view.role = now_is;
    log.on_role(view, leader, {}, now);
  }
  void lead(Time now) {
    view.leader = view.self;
    for (std::uint64_t id = 2; id <= 3; ++id)
      view.followers.emplace(PeerId{id}, FollowerView{.heard_at = now});
    role(Role::leader, now, "p1@h:1");
    log.look(view, now);
    lines.clear();
  }
  std::size_t count(const std::string& word) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(word) != std::string::npos; }));
  }
};

TEST_CASE("an isolated peer logs a few lines a minute") {
  Logged peer;
  peer.role(Role::follower, 0s);
  peer.view.unheard = {{2}, {3}};
  // It asks four times a second for an hour, and is told that it has lost in between.
  for (Time now = 0s; now < 1h; now += 250ms) {
    peer.role(Role::pre_candidate, now);
    peer.role(Role::follower, now + 100ms);
  }
  CHECK(peer.lines.size() <= 3 * 60 + 3);
  CHECK(peer.count("event=no_quorum") == 60);
  CHECK(peer.count("repeated=") >= 59);
  CHECK(peer.lines.front().find("term=5 role=follower") != std::string::npos);
  CHECK(peer.count("unreached=p2@h:2,p3@h:3") == 60);
}

TEST_CASE("a role is logged when it, the term or the leader is new") {
  Logged peer;
  peer.role(Role::follower, 1s, "p2@h:2");
  peer.role(Role::pre_candidate, 2s);
  peer.view.hard_state.term = {6};
  peer.role(Role::candidate, 2s);
  peer.role(Role::follower, 2s);
  peer.role(Role::follower, 2s, "p3@h:3");
  CHECK(peer.lines.size() == 5);

  peer.role(Role::follower, 3s, "p3@h:3");
  CHECK(peer.lines.size() == 5);
  REQUIRE(peer.news.size() == 5);
  CHECK(std::get<RoleNews>(peer.news[2]) == RoleNews{"p1", {6}, Role::candidate, ""});
  CHECK(std::get<RoleNews>(peer.news[4]) == RoleNews{"p1", {6}, Role::follower, "p3@h:3"});
}

TEST_CASE("a program is told of each member that its leader loses and hears again") {
  Logged leader;
  leader.lead(10s);
  leader.news.clear();
  leader.view.followers.find({2})->second.heard_at = 11s;
  leader.log.look(leader.view, 11s);
  leader.log.look(leader.view, 11s + 100ms);
  leader.view.followers.find({3})->second.heard_at = 11s + 200ms;
  leader.log.look(leader.view, 11s + 200ms);

  REQUIRE(leader.news.size() == 2);
  CHECK(std::get<MemberNews>(leader.news[0]).member == member(3));
  CHECK(std::get<MemberNews>(leader.news[0]).is_lost);
  CHECK(std::get<MemberNews>(leader.news[1]).member == member(3));
  CHECK(!std::get<MemberNews>(leader.news[1]).is_lost);
}

TEST_CASE("the line of a campaign says what brought it about") {
  Logged peer;
  peer.view.role_change = {.cause = RoleCause::silence, .silent = 312ms, .late = 40ms};
  peer.view.role = Role::pre_candidate;
  peer.log.on_role(peer.view, {}, {.turn = 7ms, .flush = 90ms}, 1s);
  REQUIRE(peer.lines.size() == 1);
  CHECK(peer.lines[0]
        == "peer=p1 term=5 role=pre_candidate leader=\"\" why=silence silent_ms=312 late_ms=40 "
           "turn_ms=7 flush_ms=90 event=role");

  peer.view.role_change = {.cause = RoleCause::leader_heard, .by = {2}};
  peer.role(Role::follower, 2s, "p2@h:2");
  CHECK(peer.lines.back()
        == "peer=p1 term=5 role=follower leader=p2@h:2 why=leader_heard by=p2@h:2 turn_ms=0 "
           "flush_ms=0 event=role");
}

TEST_CASE("a dead member of three is no lack of a quorum") {
  Logged peer;
  peer.view.unheard = {{3}};
  peer.role(Role::pre_candidate, 1s);
  CHECK(peer.count("no_quorum") == 0);
  peer.view.unheard = {{2}, {3}};
  peer.role(Role::pre_candidate, 2s);
  CHECK(peer.count("no_quorum") == 1);
}

TEST_CASE("a quorum that is lost again is told again at once") {
  Logged peer;
  peer.view.unheard = {{2}, {3}};
  peer.role(Role::pre_candidate, 1s);
  peer.view.leader = {2};
  peer.view.unheard.clear();
  peer.role(Role::follower, 2s, "p2@h:2");
  peer.view.leader = nobody;
  peer.view.unheard = {{2}, {3}};
  peer.role(Role::pre_candidate, 3s);
  CHECK(peer.count("no_quorum") == 2);
}

TEST_CASE("a leader tells that a member is lost, and that it is back") {
  Logged leader;
  leader.lead(10s);
  leader.view.followers.find({2})->second.heard_at = 11s;
  leader.log.look(leader.view, 11s);
  leader.log.look(leader.view, 11s + 100ms);
  REQUIRE(leader.lines.size() == 1);
  CHECK(leader.lines[0] == "peer=p1 term=5 member=p3@h:3 silent_ms=1000 event=member_lost");

  leader.view.followers.find({2})->second.heard_at = 70s;
  leader.view.followers.find({3})->second.heard_at = 70s;
  leader.log.look(leader.view, 70s);
  leader.log.look(leader.view, 70s + 100ms);
  REQUIRE(leader.lines.size() == 2);
  CHECK(leader.lines[1] == "peer=p1 term=5 member=p3@h:3 silent_ms=60000 event=member_back");
}

TEST_CASE("the members of a quiet cluster are not listened to, and not lost") {
  Logged leader;
  leader.lead(10s);
  leader.view.quiet = true;
  leader.log.look(leader.view, 100s);
  CHECK(leader.lines.empty());
}

TEST_CASE("a leader tells that the configuration changes, and what it became") {
  Logged leader;
  leader.lead(10s);
  leader.view.changing = true;
  leader.view.configuration_index = {7};
  leader.view.configuration.learners = {member(4)};
  leader.log.look(leader.view, 11s);
  leader.log.look(leader.view, 12s);
  leader.view.changing = false;
  leader.view.configuration_index = leader.view.commit = {9};
  std::swap(leader.view.configuration.learners.front(), leader.view.configuration.voters.back());
  leader.log.look(leader.view, 13s);
  leader.log.look(leader.view, 14s);
  leader.lines.erase(std::remove_if(leader.lines.begin(), leader.lines.end(),
                                    [](const std::string& line) {
                                      return line.find("member_lost") != std::string::npos;
                                    }),
                     leader.lines.end());
  REQUIRE(leader.lines.size() == 2);
  CHECK(leader.lines[0] == "peer=p1 term=5 event=configuration_changing");
  CHECK(leader.lines[1]
        == "peer=p1 term=5 index=9 voters=p1@h:1,p2@h:2,p4@h:4 learners=p3@h:3 standbys=\"\" "
           "event=configuration_changed");
}

TEST_CASE("the longest of the last second or two is remembered, and no longer") {
  RecentMax longest;
  longest.add(10s, 30ms);
  longest.add(10s + 500ms, 5ms);
  CHECK(longest.value(10s + 900ms) == 30ms);
  CHECK(longest.value(11s + 900ms) == 30ms);
  CHECK(longest.value(14s) == 0ms);
}

}  // namespace
}  // namespace troupe::actors::test
