#include "actors/transport/half_frames.hpp"

#include "test/actors/still_system.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <string>

namespace troupe::actors::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mib = std::size_t{1} << 20;

struct Halves {
  std::size_t begin(const std::string& source, bool is_node = false) {
    connections.emplace_back(still);
    holders.push_back(
        {.connection = connections.back().actor, .source = source, .is_node = is_node});
    return holders.size() - 1;
  }
  /// The connection that must end for it: none is -1.
  int hold(std::size_t number, std::size_t bytes) {
    const auto gone = halves.hold(holders[number], bytes, bytes, now);
    if (gone.empty())
      return -1;
    REQUIRE(gone.size() == 1);
    for (std::size_t i = 0; i < holders.size(); ++i)
      if (holders[i].connection == gone[0])
        return static_cast<int>(i);
    return -2;
  }

  StillSystem still{};
  HalfFrames halves{64 * mib};
  HalfFrames::Clock::time_point now{};
  std::deque<Ear> connections{};
  std::vector<HalfFrames::Holder> holders{};
};

TEST_CASE("an upload that goes on is not cut by frames that were begun and left") {
  Halves at;
  const std::size_t upload = at.begin("10.0.0.1");
  at.now += 100ms;
  CHECK(at.hold(upload, mib) == -1);
  // In a moment, and from the same machine: on average they are the faster ones for long.
  for (int i = 0; i < 6; ++i)
    CHECK(at.hold(at.begin("10.0.0.1"), 10 * mib) == -1);

  // Eight MiB in a second.
  for (std::size_t arrived = 2; arrived <= 12; ++arrived) {
    CAPTURE(arrived);
    at.now += 125ms;
    CHECK(at.hold(upload, arrived * mib) != static_cast<int>(upload));
  }
  CHECK(at.halves.bytes() <= 64 * mib);
}

TEST_CASE("half frames that trickle end before one that comes fast") {
  Halves at;
  std::size_t trickled = 0;
  for (int i = 0; i < 6; ++i)
    CHECK(at.hold(at.begin("10.0.0.1"), 10 * mib) == -1);
  const std::size_t upload = at.begin("10.0.0.1");
  int cut = -1;
  for (std::size_t arrived = 1; arrived <= 12 && cut == -1; ++arrived) {
    at.now += 125ms;
    ++trickled;
    for (std::size_t i = 0; i < 6; ++i)
      CHECK(at.hold(i, 10 * mib + trickled) == -1);
    cut = at.hold(upload, arrived * mib);
  }
  CHECK(cut >= 0);
  CHECK(cut != static_cast<int>(upload));
}

TEST_CASE("the source that holds the most loses first") {
  Halves at;
  const std::size_t small = at.begin("10.0.0.2");
  CHECK(at.hold(small, 2 * mib) == -1);
  for (int i = 0; i < 4; ++i)
    CHECK(at.hold(at.begin("10.0.0.1"), 15 * mib) == -1);

  CHECK(at.hold(small, 5 * mib) != static_cast<int>(small));
}

TEST_CASE("what a member sends is cut last") {
  Halves at;
  const std::size_t node = at.begin("10.0.0.9", true);
  CHECK(at.hold(node, 15 * mib) == -1);
  at.now += 5s;  // Stalled, and of the largest.
  for (int i = 0; i < 3; ++i)
    CHECK(at.hold(at.begin("10.0.0.1"), 15 * mib) == -1);

  const int cut = at.hold(at.begin("10.0.0.2"), 5 * mib);
  CHECK(cut > static_cast<int>(node));
}

TEST_CASE("what is complete or gone counts no more") {
  Halves at;
  const std::size_t one = at.begin("10.0.0.1");
  CHECK(at.hold(one, 15 * mib) == -1);
  at.halves.release(at.holders[one].connection.id());
  at.halves.release(at.holders[one].connection.id());
  CHECK(at.halves.bytes() == 0);
}

}  // namespace
}  // namespace troupe::actors::test
