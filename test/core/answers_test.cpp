#include "test/core/subject.hpp"
#include "wire/packet.hpp"

#include <doctest/doctest.h>

namespace troupe::test {
namespace {

TEST_CASE("what a leader of an older term is told passes the codec") {
  Subject follower({command(2, 2), command(2, 3)}, {.term = {3}});

  follower.receive(2, 1, AppendRequest{.previous = {{1}, {1}}, .commit = {1}, .entries = {}});

  const auto responses = follower.sent<AppendResponse>();
  REQUIRE(responses.size() == 1);
  CHECK(std::get<Rejected>(responses[0].verdict).hint == EntryId{{1}, {1}});
  const wire::Frame frame = wire::encode(wire::PeerMessages{follower.messages});
  std::vector<Bytes> bodies;
  const std::span<const char> arrived{reinterpret_cast<const char*>(frame->data()), frame->size()};
  REQUIRE_FALSE(wire::FrameCutter().take(arrived, bodies));
  CHECK(wire::decode(bodies.at(0)).detail().empty());
}

}  // namespace
}  // namespace troupe::test
