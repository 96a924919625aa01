#include "core/invariants.hpp"
#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace troupe::test {

namespace {

constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();

/// Mostly small, so that it often meets what is there.
std::uint64_t draw_number(Random& random) {
  switch (random.below(12)) {
    case 0:
      return huge - random.below(2);
    case 1:
      return random.next();
    default:
      return random.below(8);
  }
}

EntryId draw_id(Random& random) {
  return {{draw_number(random)}, {draw_number(random)}};
}

AppendRequest draw_append_request(Random& random) {
  AppendRequest request{.previous = draw_id(random),
                        .commit = {draw_number(random)},
                        .entries = {},
                        .read = {draw_number(random)}};
  const std::uint64_t count = random.below(4);
  for (std::uint64_t i = 1; i <= count; ++i) {
    Entry entry{.id = draw_id(random), .kind = EntryKind::noop, .payload = Bytes::copy_of("junk")};
    if (random.below(3) != 0)
      entry.id = {{request.previous.term.value + random.below(2)},
                  {request.previous.index.value + i}};
    entry.kind = static_cast<EntryKind>(random.below(3));
    request.entries.push_back(std::move(entry));
  }
  return request;
}

Body draw_body(Random& random) {
  switch (random.below(8)) {
    case 0:
      return PreVoteRequest{draw_id(random)};
    case 1:
      return PreVoteResponse{.granted = random.below(2) == 0, .asked = {draw_number(random)}};
    case 2:
      return VoteRequest{.last = draw_id(random), .transfer = random.below(2) == 0};
    case 3:
      return VoteResponse{.granted = random.below(2) == 0};
    case 4:
      return AppendResponse{.verdict = Accepted{{draw_number(random)}},
                            .read = {draw_number(random)}};
    case 5:
      return AppendResponse{
          .verdict = Rejected{.previous = draw_id(random), .hint = draw_id(random)},
          .read = {draw_number(random)}};
    case 6:
      return TimeoutNow{};
    default:
      return draw_append_request(random);
  }
}

Message draw_message(Random& random, Term around) {
  const std::uint64_t term =
      random.below(3) == 0 ? draw_number(random) : around.value + random.below(3) - 1;
  return {.cluster = random.below(20) == 0 ? ClusterId{draw_number(random)} : our_cluster,
          .from = {random.below(10) == 0 ? draw_number(random) : 2 + random.below(2)},
          .to = {random.below(20) == 0 ? draw_number(random) : self.value},
          .term = {term},
          .body = draw_body(random)};
}

}  // namespace

TEST_CASE("no message from outside, however absurd, stops a peer or breaks its rules") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Subject peer({noop(1, 2), noop(2, 3)}, {.term = {2}});
    EngineView before = peer.engine.view();
    const auto check = [&] {
      const EngineView now = peer.engine.view();
      const std::string broken(broken_invariant(before, now).value_or(""));
      CHECK(broken == "");
      before = now;
    };
    for (int i = 0; i < 400; ++i) {
      if (random.below(6) == 0)
        peer.tick(Duration(static_cast<Duration::rep>(random.below(400'000))));
      check();
      if (peer.role() == Role::leader && random.below(4) == 0) {
        const Bytes payload = Bytes::copy_of("x");
        (void)peer.engine.propose({&payload, 1});
        (void)peer.engine.start_read();
        (void)peer.engine.transfer({random.below(5)});
      }
      peer.step(draw_message(random, peer.term()));
      check();
    }
  }
}

TEST_CASE("a term at the end of all numbers is refused, so that there is a next one") {
  Subject peer;

  peer.receive(2, huge, AppendRequest{.previous = {{1}, {1}}});
  peer.receive(2, huge, VoteRequest{.last = {{1}, {1}}});

  CHECK(peer.term() == Term{1});
  CHECK(peer.engine.view().dropped == 2);
}

TEST_CASE("messages of nobody, to others, of ourselves and of another cluster are dropped") {
  Subject peer;
  const Message good{.cluster = our_cluster,
                     .from = {2},
                     .to = self,
                     .term = {5},
                     .body = VoteRequest{.last = {{1}, {1}}}};
  Message bad[] = {good, good, good, good, good};
  bad[0].from = nobody;
  bad[1].from = self;
  bad[2].to = {4};  // An older incarnation of us.
  bad[3].cluster = {99};
  bad[4].cluster = {};

  for (const Message& message : bad)
    peer.step(message);

  CHECK(peer.term() == Term{1});
  CHECK(peer.messages.empty());
  CHECK(peer.engine.view().dropped == 5);
  peer.step(good);
  CHECK(peer.term() == Term{5});
}

TEST_CASE("what would contradict a committed entry is dropped, never truncated") {
  Subject peer({noop(2, 2), noop(2, 3)}, {.term = {2}});
  peer.receive(2, 3, AppendRequest{.previous = {{2}, {3}}, .commit = {3}});
  REQUIRE(peer.commit() == Index{3});

  peer.receive(2, 3, AppendRequest{.previous = {{2}, {2}}, .entries = {noop(3, 3)}});
  peer.receive(2, 3, AppendRequest{.previous = {{1}, {2}}, .entries = {noop(3, 3)}});

  CHECK(peer.engine.log().last() == EntryId{{2}, {3}});
  CHECK(peer.engine.view().dropped == 2);
}

TEST_CASE("an acceptance of more than was sent confirms nothing") {
  Subject peer;
  peer.become_leader();

  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{huge}}});

  CHECK(peer.commit() == Index{0});
  CHECK(peer.engine.view().dropped == 1);
}

TEST_CASE("a read is confirmed by no answer from the future") {
  Subject peer;
  peer.become_leader();
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}});
  peer.receive(2, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {huge}});
  peer.receive(3, 2, AppendResponse{.verdict = Accepted{{2}}, .read = {huge}});

  const auto read = peer.engine.start_read();
  REQUIRE(read);
  peer.settle();

  CHECK(peer.reads.empty());
}

}  // namespace troupe::test
