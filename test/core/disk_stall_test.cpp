#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;

/// A leader of term 2 with two followers, whose disk stops once it leads for good.
struct Stalled : Subject {
  Stalled() {
    become_leader();
    accept({2, 3});
    instant_disk = false;
    forget();
  }
  Index last() const { return engine.log().last().index; }
  void accept(std::initializer_list<std::uint64_t> peers) {
    for (const std::uint64_t peer : peers)
      receive(peer, 2, AppendResponse{.verdict = Accepted{last()}, .read = {}});
  }
  void write() {
    const Bytes payload = Bytes::copy_of("x");
    REQUIRE(engine.propose({&payload, 1}));
    settle();
  }
  /// Time passes, and these followers go on to answer.
  void pass(Duration time, std::initializer_list<std::uint64_t> peers) {
    for (const Time end = now + time; now < end;) {
      tick(10ms);
      accept(peers);
    }
  }
  std::size_t handed_over() const { return sent<TimeoutNow>().size(); }
};

TEST_CASE("a leader whose disk stalls hands over to one whose disk does not") {
  Stalled leader;
  leader.write();
  leader.pass(280ms, {2, 3});
  CHECK(leader.commit() == leader.last());
  CHECK(leader.handed_over() == 0);

  leader.pass(30ms, {2, 3});

  CHECK(leader.handed_over() == 1);
  CHECK(leader.engine.view().leaving_disk);
  CHECK(leader.engine.view().disk_stalls);
}

TEST_CASE("a leader does not hand over for its disk while writes wait for their answer") {
  Stalled leader;
  leader.write();
  leader.pass(290ms, {2, 3});
  leader.write();
  leader.tick(10ms);
  leader.accept({2});
  REQUIRE(leader.engine.view().leaving_disk);
  CHECK(leader.handed_over() == 0);

  leader.accept({3});

  CHECK(leader.commit() == leader.last());
  CHECK(leader.handed_over() == 1);
}

TEST_CASE("a leader keeps its office if the others' disks stall as well") {
  Stalled leader;
  leader.write();
  for (int i = 0; i < 100; ++i) {
    leader.tick(10ms);
    for (const std::uint64_t peer : {2u, 3u})
      leader.receive(peer, 2, AppendResponse{.verdict = Accepted{prev(leader.last())}, .read = {}});
  }

  CHECK(leader.handed_over() == 0);
  CHECK(leader.role() == Role::leader);
}

TEST_CASE("a leader whose disk stalls keeps its office if nobody could be elected without it") {
  Stalled leader;
  leader.write();
  leader.accept({2, 3});
  leader.pass(1s, {2});

  CHECK(leader.handed_over() == 0);
  CHECK(leader.role() == Role::leader);
}

TEST_CASE("a leader hands over once for a stall, and again for the next one") {
  Stalled leader;
  leader.write();
  // Its successor does not take over; it goes on to lead, and to commit.
  leader.pass(2s, {2, 3});
  CHECK(leader.handed_over() == 1);
  leader.write();
  leader.accept({2, 3});
  CHECK(leader.commit() == leader.last());

  leader.persisted(leader.engine.view().written.value);
  leader.write();
  leader.pass(1s, {2, 3});

  CHECK(leader.handed_over() == 2);
}

TEST_CASE("a disk that comes back in time costs nobody the office") {
  Stalled leader;
  leader.write();
  leader.pass(200ms, {2, 3});
  leader.persisted(leader.engine.view().written.value);
  leader.pass(1s, {2, 3});

  CHECK(leader.handed_over() == 0);
  CHECK_FALSE(leader.engine.view().disk_stalls);
}

TEST_CASE("a change of configuration is not cut short by a stalled disk") {
  Stalled leader;
  leader.write();
  leader.accept({2, 3});
  REQUIRE(leader.engine.change_configuration(voters({1, 2, 3, 4})));
  leader.settle();
  leader.pass(1s, {2, 3});

  CHECK(leader.handed_over() == 0);
}

}  // namespace
}  // namespace troupe::test
