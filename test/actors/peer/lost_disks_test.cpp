#include "actors/peer/lost_disks.hpp"

#include "test/actors/peer_stage.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <utility>

namespace troupe::actors::test {
namespace {

using namespace std::chrono_literals;

constexpr PeerId third{3};
constexpr PeerId other{33};

wire::Response is(PeerId id) {
  wire::Response response;
  response.body = wire::Identity{.id = id, .kind = "register", .running = true};
  return response;
}

wire::Response refusal(Refusal why) {
  return {.id = 0, .refusal = why, .detail = "p3", .body = {}};
}

/// A leader of three that does not hear the third, whose node answers.
struct Leader {
  EngineView view{.self = us, .role = Role::leader};
  std::map<PeerId, Time> lost{{third, 0s}};
  bool is_up = true;
  LostDisks disks{};

  Leader() {
    for (std::uint64_t id = 1; id <= 3; ++id)
      view.configuration.voters.push_back(member({id}));
  }
  std::vector<LostDisks::Question> due(Time now) {
    return disks.due(
        lost, view, [this](const std::string&) { return is_up; }, now);
  }
  std::optional<LostDisks::Finding> answered(const wire::Response& answer, Time now) {
    return disks.answered(third, answer, view, now);
  }
  /// Asks if a question is due, and is answered. Whether that is to be logged.
  bool asks(const wire::Response& answer, Time now) {
    return !due(now).empty() && answered(answer, now).has_value();
  }
  /// The seconds of the first `upto` at which a question is due, every one answered alike.
  std::vector<int> asked_at(const wire::Response& answer, int upto) {
    std::vector<int> seconds;
    for (int now = 0; now <= upto; ++now) {
      if (due(std::chrono::seconds(now)).empty())
        continue;
      seconds.push_back(now);
      (void)answered(answer, std::chrono::seconds(now));
    }
    return seconds;
  }
};

TEST_CASE("a disk was lost when another peer of the member's name answers twice, a second apart") {
  Leader leader;
  const auto first = leader.due(5s);
  REQUIRE(first.size() == 1);
  CHECK(full_name(first[0].member) == "p3@h3:1");
  CHECK(first[0].expected == nobody);
  CHECK_FALSE(leader.answered(is(other), 5s));
  CHECK_FALSE(leader.disks.contains(third));
  CHECK(leader.due(5900ms).empty());

  // The other peer is told whom we look for.
  const auto second = leader.due(6s);
  REQUIRE(second.size() == 1);
  CHECK(second[0].expected == third);
  const auto finding = leader.answered(is(other), 6s);
  REQUIRE(finding);
  CHECK(full_name(finding->member) == "p3@h3:1");
  CHECK(finding->member.id == third);
  CHECK(finding->found == other);
  CHECK(leader.disks.contains(third));
  CHECK_FALSE(leader.disks.contains({2}));
}

TEST_CASE("a leader asks seldom for a member that stays away, and logs a lost disk once") {
  SUBCASE("its node has no such peer") {
    Leader leader;
    CHECK(leader.asked_at(refusal(Refusal::no_peer), 200)
          == std::vector<int>{0, 1, 3, 7, 15, 31, 63, 123, 183});
  }
  SUBCASE("its node has another") {
    Leader leader;
    CHECK(leader.asked_at(is(other), 200) == std::vector<int>{0, 1, 61, 121, 181});
    CHECK(leader.disks.contains(third));
    CHECK_FALSE(leader.asks(is(other), 300s));
  }
  SUBCASE("its node names another one each time") {
    Leader leader;
    int lines = 0;
    int questions = 0;
    for (int now = 0; now <= 600; ++now) {
      if (leader.due(std::chrono::seconds(now)).empty())
        continue;
      const PeerId named{100 + static_cast<std::uint64_t>(++questions)};
      lines += leader.answered(is(named), std::chrono::seconds(now)) ? 1 : 0;
    }
    CHECK(questions < 20);
    CHECK(lines == 0);
    CHECK_FALSE(leader.disks.contains(third));
  }
  SUBCASE("its node names each other one for as long as is believed") {
    Leader leader;
    int lines = 0;
    int questions = 0;
    for (int now = 0; now <= 600; ++now) {
      if (leader.due(std::chrono::seconds(now)).empty())
        continue;
      const PeerId named{100 + static_cast<std::uint64_t>(questions++ / 2)};
      lines += leader.answered(is(named), std::chrono::seconds(now)) ? 1 : 0;
    }
    CHECK(lines >= 1);
    CHECK(lines <= 10);
  }
}

TEST_CASE("a node that is back is asked at once, however long the last pause was") {
  Leader leader;
  for (int now = 0; now <= 40; ++now)
    (void)leader.asks(refusal(Refusal::no_peer), std::chrono::seconds(now));
  CHECK(leader.due(41s).empty());
  leader.is_up = false;
  CHECK(leader.due(42s).empty());
  leader.is_up = true;
  CHECK(leader.due(42100ms).size() == 1);
}

TEST_CASE("a disk is not lost as soon as nothing speaks for it") {
  Leader leader;
  (void)leader.asks(is(other), 0s);
  REQUIRE(leader.asks(is(other), 1s));

  SUBCASE("the member is heard") {
    leader.lost.clear();
    CHECK(leader.due(2s).empty());
    CHECK_FALSE(leader.disks.contains(third));
    CHECK_FALSE(leader.answered(is(other), 2s));
  }
  SUBCASE("the other peer is deleted") {
    CHECK_FALSE(leader.asks(refusal(Refusal::no_peer), 61s));
    CHECK_FALSE(leader.disks.contains(third));
  }
  SUBCASE("the member itself answers") {
    CHECK_FALSE(leader.asks(is(third), 61s));
    CHECK_FALSE(leader.disks.contains(third));
  }
  SUBCASE("the other peer is a member now") {
    leader.view.configuration.learners.push_back({.id = other, .name = "p33", .address = "h3:1"});
    CHECK_FALSE(leader.asks(is(other), 61s));
    CHECK_FALSE(leader.disks.contains(third));
  }
  SUBCASE("but a node that does not answer says nothing") {
    CHECK_FALSE(leader.asks(refusal(Refusal::unreachable), 61s));
    CHECK_FALSE(leader.asks(is(nobody), 121s));
    CHECK_FALSE(leader.asks({}, 181s));
    CHECK(leader.disks.contains(third));
  }
}

TEST_CASE("nobody is asked for while a change may put another peer in the place of a member") {
  Leader leader;
  leader.view.changing = true;
  CHECK(leader.due(0s).empty());
  leader.view.changing = false;
  (void)leader.asks(is(other), 1s);
  CHECK_FALSE(leader.due(2s).empty());
  leader.view.changing = true;
  CHECK_FALSE(leader.answered(is(other), 2s));
  CHECK_FALSE(leader.disks.contains(third));
}

TEST_CASE("an id that others name is logged once, and one a minute at most") {
  ToldIds told;
  CHECK_FALSE(told.is_news(nobody, 0s));
  CHECK(told.is_news({1}, 0s));
  CHECK_FALSE(told.is_news({1}, 1h));
  CHECK(told.is_news({2}, 1h));
  CHECK_FALSE(told.is_news({3}, 1h + 59s));
  CHECK(told.is_news({3}, 1h + 60s));
}

/// The leader is answered by the second peer for so long, while the third is silent.
void lead_on(PeerStage& stage, std::chrono::milliseconds passed) {
  for (auto left = passed; left > 0ms; left -= 50ms) {
    stage.still.pass(50ms);
    stage.second_accepts();
  }
}

bool shows_lost_disk(PeerStage& stage) {
  const auto status = std::get<wire::PeerStatus>(stage.ask(wire::AskStatus{}).body);
  const auto follower = std::ranges::find(status.followers, "p3@h3:1", &wire::FollowerStatus::name);
  REQUIRE(follower != status.followers.end());
  return follower->disk_lost;
}

TEST_CASE("a leader asks the node of a member that it lost, and shows what it is told") {
  PeerStage stage(founded(3));
  stage.lead();
  lead_on(stage, 500ms);
  CHECK(stage.node->inquiries.empty());
  lead_on(stage, 1500ms);
  REQUIRE(stage.node->inquiries.size() == 1);
  const Inquire first = stage.node->inquiries[0];
  REQUIRE(first.questions.size() == 1);
  CHECK(first.questions[0].address == "h3:1");
  CHECK(first.questions[0].request.peer == "p3");
  CHECK(std::get<wire::AskIdentity>(first.questions[0].request.body).expected == nobody);
  send_from_outside(stage.peer, Inquired{first.id, {is(other)}});
  lead_on(stage, 1500ms);

  REQUIRE(stage.node->inquiries.size() == 2);
  const Inquire second = stage.node->inquiries[1];
  CHECK(std::get<wire::AskIdentity>(second.questions[0].request.body).expected == third);
  CHECK_FALSE(shows_lost_disk(stage));
  send_from_outside(stage.peer, Inquired{second.id, {is(other)}});
  lead_on(stage, 50ms);
  CHECK(shows_lost_disk(stage));

  stage.third_accepts();
  lead_on(stage, 150ms);
  CHECK_FALSE(shows_lost_disk(stage));
}

TEST_CASE("a leader does not ask a node that does not answer") {
  PeerStage stage(founded(3));
  stage.lead();
  send_from_outside(stage.peer, LinkDown{"h3:1"});
  lead_on(stage, 3000ms);
  CHECK(stage.node->inquiries.empty());
  send_from_outside(stage.peer, LinkUp{"h3:1", stage.third.actor});
  lead_on(stage, 200ms);
  CHECK(stage.node->inquiries.size() == 1);
}

TEST_CASE("a peer that is not the expected one says which it is") {
  PeerStage stage(founded(1));
  for (const PeerId expected : {other, us, nobody, PeerId{~std::uint64_t{0}}}) {
    const auto response = stage.ask(wire::AskIdentity{.expected = expected});
    CHECK(std::get<wire::Identity>(response.body).id == us);
  }
}

}  // namespace
}  // namespace troupe::actors::test
