#include "test/fuzz/draw.hpp"
#include "test/wire/samples.hpp"
#include "wire/frame.hpp"

#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

/// What a connection makes of a stream: the bodies, and how it ended.
struct Cut {
  std::vector<std::string> bodies{};
  bool broken = false;
  std::size_t buffered = 0;
};

constexpr std::size_t body_bytes_max = 4096;

Cut cut(std::string_view stream, Draw portions) {
  Cut result;
  wire::FrameCutter cutter(body_bytes_max);
  std::vector<Bytes> bodies;
  while (!stream.empty() && !result.broken) {
    const std::size_t size = std::min<std::size_t>(
        stream.size(), portions.at_end() ? stream.size() : 1 + portions.byte() % 64u);
    result.broken = cutter.take({stream.data(), size}, bodies).has_value();
    stream.remove_prefix(size);
  }
  for (const Bytes& body : bodies)
    result.bodies.emplace_back(body.text());
  result.buffered = result.broken ? 0 : cutter.buffered_bytes();
  return result;
}

/// As they are, or each piece in a frame of its own and then, perhaps, one byte changed: nothing
/// that is drawn has the right checksum by itself.
std::string stream_of(Draw& draw) {
  if (draw.chance())
    return std::string(text(draw.rest()));
  std::string stream;
  const std::uint8_t flip = draw.byte();
  const std::size_t at = draw.byte();
  while (!draw.at_end()) {
    const Input body = draw.take(1 + draw.byte());
    if (body.empty())
      break;
    const wire::Frame frame = wire::make_frame(body);
    stream.append(reinterpret_cast<const char*>(frame->data()), frame->size());
  }
  if (at < stream.size())
    stream[at] = static_cast<char>(stream[at] ^ flip);
  return stream;
}

/// A stream of bytes: how it is cut into portions on its way changes nothing, it is never held
/// twice, and a hello in it is read or refused.
Problem run(Input input) {
  Draw draw(input);
  const Draw portions(draw.take(draw.below(32)));
  const std::string stream = stream_of(draw);
  const Cut at_once = cut(stream, Draw({}));
  const Cut by_pieces = cut(stream, portions);
  if (at_once.broken != by_pieces.broken || at_once.buffered != by_pieces.buffered)
    return "portions change how a stream ends";
  // A stream that breaks gives up what came together with the mistake, and nothing else.
  const std::size_t common = std::min(at_once.bodies.size(), by_pieces.bodies.size());
  if ((!at_once.broken && at_once.bodies.size() != by_pieces.bodies.size())
      || !std::equal(at_once.bodies.begin(), at_once.bodies.begin() + std::ptrdiff_t(common),
                     by_pieces.bodies.begin()))
    return "portions change what is in a stream";
  if (at_once.buffered > wire::frame_head_bytes + body_bytes_max)
    return "more than a frame is held";
  for (const std::string& body : at_once.bodies)
    (void)wire::decode(Bytes::copy_of(body));
  return std::nullopt;
}

std::vector<std::string> seeds() {
  const auto framed = [](const wire::Packet& packet) {
    const wire::Frame frame = wire::encode(packet);
    return std::string(reinterpret_cast<const char*>(frame->data()), frame->size());
  };
  const std::string hello = framed(wire::Hello{.node = "a", .address = "127.0.0.1:1"});
  std::vector<std::string> all;
  std::string stream = hello;
  for (const wire::Packet& packet : wire::samples())
    stream += framed(packet);
  // No portions, then the stream as it is.
  all.push_back(std::string("\0\1", 2) + stream);
  // Three portions, and each piece framed here.
  all.push_back(std::string("\3\5\7\11\0\0\377", 7) + "\12ten bytes in a frame\5and five");
  return all;
}

}  // namespace

Target frames_target() {
  return {.name = "frames",
          .summary = "a stream of bytes, cut into frames",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 1024};
}

}  // namespace troupe::fuzz
