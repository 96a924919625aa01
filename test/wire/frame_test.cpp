#include "wire/frame.hpp"

#include "test/wire/samples.hpp"
#include "wire/crc32c.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::wire;

namespace {

std::vector<char> stream_of(const std::vector<Packet>& packets) {
  std::vector<char> stream;
  for (const Packet& packet : packets) {
    const Frame frame = encode(packet);
    stream.insert(stream.end(), frame->begin(), frame->end());
  }
  return stream;
}

std::vector<char> frame_with_head(std::uint32_t size, std::uint32_t checksum) {
  std::vector<char> head;
  for (const std::uint32_t word : {size, checksum})
    for (int shift = 0; shift < 32; shift += 8)
      head.push_back(static_cast<char>(word >> shift));
  return head;
}

bool is_aligned(const Bytes& bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 == 0;
}

}  // namespace

TEST_CASE("the checksum is the CRC32C that everyone computes") {
  CHECK(crc32c(Bytes::copy_of("123456789").span()) == 0xE3069283u);
  CHECK(crc32c({}) == 0);
  // 32 zeros, from RFC 3720 B.4.
  CHECK(crc32c(std::vector<std::uint8_t>(32)) == 0x8A9136AAu);
}

TEST_CASE("a checksum can be taken piece by piece") {
  const Bytes all = Bytes::copy_of("123456789");
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    CHECK(crc32c(all.span().subspan(cut), crc32c(all.span().first(cut))) == 0xE3069283u);
}

TEST_CASE("frames come out of the stream as they were put in, however it is split") {
  const std::vector<Packet> packets = samples();
  const std::vector<char> stream = stream_of(packets);

  for (const std::size_t step :
       {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{100}, stream.size()}) {
    CAPTURE(step);
    FrameCutter cutter;
    std::vector<Bytes> bodies;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      const auto problem =
          cutter.take(std::span(stream).subspan(at, std::min(step, stream.size() - at)), bodies);
      REQUIRE(!problem);
    }

    CHECK(cutter.buffered_bytes() == 0);
    REQUIRE(bodies.size() == packets.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      CHECK(bodies[i] == body_of(packets[i]));
      CHECK(is_aligned(bodies[i]));
    }
  }
}

TEST_CASE("the frames of one read share one buffer") {
  const std::vector<char> stream = stream_of({Hello{}, Hello{}});
  FrameCutter cutter;
  std::vector<Bytes> bodies;

  REQUIRE(!cutter.take(stream, bodies));

  REQUIRE(bodies.size() == 2);
  CHECK(bodies[0].data() + bodies[0].size() + frame_head_bytes == bodies[1].data());
}

TEST_CASE("a frame above the limit is refused by its head alone") {
  FrameCutter cutter(1024);
  std::vector<Bytes> bodies;
  CHECK(!cutter.take(frame_with_head(1024, 0), bodies));
  CHECK(cutter.buffered_bytes() == frame_head_bytes);

  FrameCutter other(1024);
  const auto problem = other.take(frame_with_head(1032, 0), bodies);
  REQUIRE(problem);
  CHECK(*problem == "frame of 1032 bytes, the limit is 1024");
}

TEST_CASE("a head that promises much costs us what arrived and no more") {
  FrameCutter cutter;
  std::vector<Bytes> bodies;
  auto start = frame_with_head(static_cast<std::uint32_t>(frame_body_bytes_max), 0);
  start.push_back('x');

  CHECK(!cutter.take(start, bodies));

  CHECK(cutter.buffered_bytes() == frame_head_bytes + 1);
  CHECK(bodies.empty());
}

TEST_CASE("half a frame takes no more memory than the frame, and none when it is complete") {
  const std::vector<char> stream = stream_of(
      {CallReplies{.replies = {{.id = 1, .value = Bytes::copy_of(std::string(1'000'000, 'x'))}}}});
  FrameCutter cutter;
  std::vector<Bytes> bodies;
  for (std::size_t at = 0; at < stream.size(); at += 30'000) {
    const std::size_t size = std::min<std::size_t>(30'000, stream.size() - at);
    REQUIRE(!cutter.take(std::span(stream).subspan(at, size), bodies));
    REQUIRE(cutter.held_bytes() <= stream.size());
    REQUIRE(cutter.held_bytes() <= 2 * (at + size));
  }

  CHECK(bodies.size() == 1);
  CHECK(cutter.held_bytes() <= FrameCutter::kept_bytes_max);
}

TEST_CASE("a body that is empty or not a multiple of eight is refused") {
  std::vector<Bytes> bodies;
  for (const std::uint32_t size : {0u, 1u, 12u, 1023u}) {
    FrameCutter cutter;
    CHECK(cutter.take(frame_with_head(size, 0), bodies));
  }
}

TEST_CASE("a frame with any bit flipped never comes out") {
  for (const Packet& packet : samples()) {
    const std::vector<char> sound = stream_of({packet});
    for (std::size_t i = 0; i < sound.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::vector<char> broken = sound;
        broken[i] = static_cast<char>(broken[i] ^ (1 << bit));
        FrameCutter cutter;
        std::vector<Bytes> bodies;
        const auto problem = cutter.take(broken, bodies);
        // A size that grew makes the cutter wait; any other change is seen at once.
        CHECK_MESSAGE((problem || (i < 4 && cutter.buffered_bytes() == broken.size())), i);
        CHECK(bodies.empty());
      }
    }
  }
}

TEST_CASE("what came before a broken frame is sound") {
  std::vector<char> stream = stream_of({Hello{}, Hello{}});
  stream.back() = static_cast<char>(stream.back() ^ 1);
  FrameCutter cutter;
  std::vector<Bytes> bodies;

  CHECK(cutter.take(stream, bodies));

  REQUIRE(bodies.size() == 1);
  CHECK(decode(bodies[0]));
}
