#include "core/configuration.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace troupe::test {

namespace {

constexpr std::uint64_t ids_max = 8;

std::vector<Member> draw_members(Random& random, std::uint64_t most) {
  std::vector<Member> members;
  for (std::uint64_t id = 1; id <= ids_max && members.size() < most; ++id)
    if (random.below(2) == 0)
      members.push_back({.id = {id}, .name = "p" + std::to_string(id), .address = "h:1"});
  return members;
}

Configuration draw(Random& random) {
  Configuration configuration{.voters = draw_members(random, 1 + random.below(7))};
  if (configuration.voters.empty())
    configuration.voters.push_back({.id = {1}, .name = "p1"});
  if (random.below(2) == 0)
    configuration.old_voters = draw_members(random, 1 + random.below(7));
  if (random.below(2) == 0)
    configuration.learners = {{.id = {99}, .name = "p99", .address = ""}};
  // A standby is counted nowhere, even if it is an old voter still.
  if (random.below(2) == 0)
    configuration.standbys = draw_members(random, 1 + random.below(7));
  if (random.below(2) == 0)
    configuration.keep = {.count = static_cast<std::uint32_t>(1 + random.below(9)),
                          .after = Duration(1 + static_cast<Duration::rep>(random.below(1000)))};
  return configuration;
}

std::size_t count(const std::vector<Member>& set, const std::map<PeerId, bool>& votes, bool vote) {
  return static_cast<std::size_t>(std::ranges::count_if(set, [&](const Member& member) {
    const auto it = votes.find(member.id);
    return it != votes.end() && it->second == vote;
  }));
}

/// More than half of `set` said yes; nobody is more than half of nobody, and need not be.
bool majority_yes(const std::vector<Member>& set, const std::map<PeerId, bool>& votes) {
  return set.empty() || 2 * count(set, votes, true) > set.size();
}
bool majority_out_of_reach(const std::vector<Member>& set, const std::map<PeerId, bool>& votes) {
  return !set.empty() && 2 * (set.size() - count(set, votes, false)) <= set.size();
}

}  // namespace

namespace {

Index quorum_by_value(const Configuration& configuration, const PeerMap<Index>& reached) {
  return quorum_value(configuration, Index{1000}, [&](PeerId peer) {
    const auto it = reached.find(peer);
    return it == reached.end() ? Index{} : it->second;
  });
}

}  // namespace

TEST_CASE("an index is reached by a quorum if more than half of each set of voters reached it") {
  Random random(1);
  for (int round = 0; round < 4000; ++round) {
    const Configuration configuration = draw(random);
    PeerMap<Index> reached;
    for (std::uint64_t id = 1; id <= ids_max + 1; ++id)
      if (random.below(4) != 0)
        reached[{id}] = {random.below(6)};
    reached[{99}] = {1000};  // Learners do not count, however far they are.

    Index expected{};
    for (Index index{1}; index.value < 6; index = next(index)) {
      std::map<PeerId, bool> votes;
      for (const auto& [peer, at] : reached)
        votes[peer] = at >= index;
      if (majority_yes(configuration.voters, votes)
          && majority_yes(configuration.old_voters, votes))
        expected = index;
    }

    const auto has_come = [&](PeerId peer) {
      return reached.contains(peer) && reached.at(peer) >= Index{3};
    };
    CHECK(has_quorum(configuration, has_come) == (expected >= Index{3}));
    CHECK(quorum_index(configuration, reached) == expected);
    CHECK(quorum_by_value(configuration, reached) == expected);
  }
}

TEST_CASE("a vote is won, lost or open as a brute-force count of each set of voters says") {
  Random random(2);
  for (int round = 0; round < 4000; ++round) {
    const Configuration configuration = draw(random);
    std::map<PeerId, bool> votes;
    for (std::uint64_t id = 1; id <= ids_max + 1; ++id)
      if (random.below(3) != 0)
        votes[{id}] = random.below(2) == 0;
    votes[{99}] = true;

    Tally expected = Tally::pending;
    if (majority_yes(configuration.voters, votes) && majority_yes(configuration.old_voters, votes))
      expected = Tally::won;
    else if (majority_out_of_reach(configuration.voters, votes)
             || majority_out_of_reach(configuration.old_voters, votes))
      expected = Tally::lost;

    CHECK(tally(configuration, votes) == expected);
  }
}

TEST_CASE("no two quorums of a configuration are disjoint, joint or not") {
  Random random(3);
  for (int round = 0; round < 4000; ++round) {
    const Configuration configuration = draw(random);
    std::map<PeerId, bool> some;
    std::map<PeerId, bool> rest;
    for (std::uint64_t id = 1; id <= ids_max; ++id)
      (random.below(2) == 0 ? some : rest)[{id}] = true;

    CHECK((tally(configuration, some) != Tally::won || tally(configuration, rest) != Tally::won));
  }
}

TEST_CASE("half of an even number is no majority") {
  const Configuration four = voters({1, 2, 3, 4});

  CHECK(quorum_by_value(four, {{{1}, {5}}, {{2}, {5}}}) == Index{0});
  CHECK(quorum_by_value(four, {{{1}, {5}}, {{2}, {5}}, {{3}, {4}}}) == Index{4});
  CHECK(tally(four, {{{1}, true}, {{2}, true}}) == Tally::pending);
  CHECK(tally(four, {{{1}, true}, {{2}, true}, {{3}, false}, {{4}, false}}) == Tally::lost);
}

TEST_CASE("a configuration comes back from its bytes as it was") {
  Random random(4);
  for (int round = 0; round < 1000; ++round) {
    const Configuration configuration = draw(random);

    const auto decoded = decode_configuration(encode(configuration));

    REQUIRE(decoded);
    CHECK(*decoded == configuration);
  }
  CHECK(!decode_configuration(encode({})));  // Nobody can decide anything.
}

TEST_CASE("no prefix of a configuration is one, and nothing may follow it") {
  const std::string bytes = encode({.voters = {{.id = {1}, .name = "a", .address = "b"}},
                                    .learners = {{.id = {2}, .name = "c"}},
                                    .standbys = {{.id = {3}, .name = "d"}},
                                    .keep = {.count = 3, .after = Duration(7)}});

  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(!decode_configuration(std::string_view(bytes).substr(0, size)));
  CHECK(!decode_configuration(bytes + '\0'));
}

TEST_CASE("a member that is there twice, out of order or nobody makes no configuration") {
  CHECK(!decode_configuration(encode(voters({1, 1, 2}))));
  CHECK(!decode_configuration(encode(voters({2, 1}))));
  CHECK(!decode_configuration(encode(voters({0, 1}))));
}

TEST_CASE("damaged bytes are refused or are another configuration, and cost nothing") {
  Random random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = encode(draw(random));
    const std::uint64_t damages = 1 + random.below(3);
    for (std::uint64_t i = 0; i < damages; ++i)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    if (random.below(4) == 0)
      bytes.resize(random.below(bytes.size() + 1));

    // A count of 2^32 members must be refused before room is made for them.
    const auto decoded = decode_configuration(bytes);

    if (decoded)
      CHECK(decode_configuration(encode(*decoded)) == decoded);
  }
}

TEST_CASE("a policy says how many voters and after what, or nothing at all") {
  Configuration configuration = voters({1, 2});

  configuration.keep = {.count = 3, .after = {}};
  CHECK(!decode_configuration(encode(configuration)));
  configuration.keep = {.count = 0, .after = Duration(1)};
  CHECK(!decode_configuration(encode(configuration)));
  configuration.keep = {.count = 3, .after = Duration(-1)};
  CHECK(!decode_configuration(encode(configuration)));
  configuration.keep = {.count = 3, .after = Duration(1)};
  CHECK(decode_configuration(encode(configuration)));
}

TEST_CASE("noise is no configuration") {
  Random random(6);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random.below(64), '\0');
    for (char& c : bytes)
      c = static_cast<char>(random.next());
    if (!bytes.empty() && random.below(2) == 0)
      bytes[0] = 2;

    const auto decoded = decode_configuration(bytes);

    if (decoded)
      CHECK(encode(*decoded).size() == bytes.size());
  }
}

TEST_CASE("members are found by id and by name, wherever they are") {
  const Configuration configuration{
      .voters = {{.id = {1}, .name = "a"}, {.id = {2}, .name = "b"}},
      .old_voters = {{.id = {2}, .name = "b"}, {.id = {3}, .name = "c"}},
      .learners = {{.id = {4}, .name = "d"}},
      .standbys = {{.id = {3}, .name = "c"}, {.id = {6}, .name = "f"}}};

  CHECK(configuration.is_joint());
  CHECK(configuration.has_voter({1}));
  CHECK(configuration.has_voter({3}));
  CHECK(!configuration.has_voter({4}));
  CHECK(configuration.has_member({4}));
  CHECK(!configuration.has_member({5}));
  CHECK(configuration.has_member({6}));
  CHECK(!configuration.has_voter({6}));
  CHECK(configuration.keeps_log({3}));  // Until it is an old voter no more.
  CHECK(configuration.keeps_log({4}));
  CHECK(!configuration.keeps_log({6}));
  REQUIRE(configuration.find(PeerId{3}) != nullptr);
  CHECK(configuration.find(PeerId{3})->name == "c");
  REQUIRE(configuration.find("d") != nullptr);
  CHECK(configuration.find("d")->id == PeerId{4});
  CHECK(configuration.find("e") == nullptr);
  CHECK(configuration.members().size() == 5);
}

TEST_CASE("the same sets in any order are the same configuration") {
  const Configuration one = normalized(voters({3, 1, 2}));
  const Configuration other = normalized(voters({2, 3, 1}));

  CHECK(one == other);
  CHECK(encode(one) == encode(other));
}

}  // namespace troupe::test
