#include "actors/transport/socket.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <vector>

using troupe::actors::send_at_once;
using troupe::actors::Socket;
using troupe::wire::Frame;

namespace {

struct Pair {
  Socket ours{};
  Socket theirs{};

  Pair() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
    ours = Socket(fds[0]);
    theirs = Socket(fds[1]);
  }
};

/// `count` frames; the bytes count on from one to the next.
std::vector<Frame> frames_of(std::size_t count, std::size_t size) {
  std::vector<Frame> frames;
  std::uint8_t byte = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::uint8_t> bytes(size);
    for (std::uint8_t& each : bytes)
      each = byte++;
    frames.push_back(std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes)));
  }
  return frames;
}

}  // namespace

TEST_CASE("frames are sent in their order, also more than go into one call") {
  const Pair pair;

  CHECK(send_at_once(pair.ours.fd(), frames_of(200, 7)) == 1400);

  std::vector<std::uint8_t> got(1400);
  REQUIRE(::recv(pair.theirs.fd(), got.data(), got.size(), MSG_WAITALL) == 1400);
  std::uint8_t expected = 0;
  bool in_order = true;
  for (const std::uint8_t byte : got)
    in_order = in_order && byte == expected++;
  CHECK(in_order);
}

TEST_CASE("a socket that has no room takes a part, and nobody waits") {
  const Pair pair;
  const std::size_t all = std::size_t{100} * 100'000;

  const std::size_t sent = send_at_once(pair.ours.fd(), frames_of(100, 100'000));

  CHECK(sent > 0);
  CHECK(sent < all);
  CHECK(send_at_once(pair.ours.fd(), frames_of(1, 100'000)) < 100'000);
}

TEST_CASE("who sends into a broken connection hears nothing of it here, and lives on") {
  Pair pair;
  pair.theirs = Socket();

  CHECK(send_at_once(pair.ours.fd(), frames_of(1, 10)) == 0);
}
