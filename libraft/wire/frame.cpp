#include "wire/frame.hpp"

#include "core/assert.hpp"
#include "wire/crc32c.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace troupe::wire {

namespace {

constexpr std::size_t alignment = 8;

struct Head {
  std::uint32_t size = 0;
  std::uint32_t checksum = 0;
};

void put_u32(std::uint32_t value, std::uint8_t* to) {
  for (std::size_t i = 0; i < 4; ++i)
    to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <class Byte>
std::uint32_t get_u32(const Byte* from) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= std::uint32_t{static_cast<std::uint8_t>(from[i])} << (8 * i);
  return value;
}

template <class Byte>
Head read_head(const Byte* from) {
  return {.size = get_u32(from), .checksum = get_u32(from + 4)};
}

/// What arrived, as one stream: what an earlier read left over, and what this one brought.
struct Stream {
  std::span<const char> before{};
  std::span<const char> arrived{};

  std::size_t size() const { return before.size() + arrived.size(); }

  /// Requires: `from + count <= size()`.
  void copy(std::size_t from, std::size_t count, void* to) const {
    auto* out = static_cast<char*>(to);
    if (from < before.size()) {
      const std::size_t first = std::min(count, before.size() - from);
      std::memcpy(out, before.data() + from, first);
      out += first;
      from += first;
      count -= first;
    }
    if (count > 0)
      std::memcpy(out, arrived.data() + (from - before.size()), count);
  }
};

std::optional<std::string> problem_of(const Head& head, std::size_t body_bytes_max) {
  if (head.size > body_bytes_max)
    return "frame of " + std::to_string(head.size) + " bytes, the limit is "
           + std::to_string(body_bytes_max);
  if (head.size == 0 || head.size % alignment != 0)
    return "frame of " + std::to_string(head.size) + " bytes, not a positive multiple of eight";
  return std::nullopt;
}

struct Extent {
  std::size_t complete = 0;  ///< The length of all complete frames at the start of a stream.
  std::size_t next = 0;      ///< That of the one behind them, 0 if its head is not there yet.
};

/// Looks at each head as soon as it is there.
std::optional<std::string> measure(const Stream& stream, std::size_t body_bytes_max,
                                   Extent& extent) {
  std::size_t& complete = extent.complete;
  while (stream.size() - complete >= frame_head_bytes) {
    std::array<char, frame_head_bytes> bytes{};
    stream.copy(complete, bytes.size(), bytes.data());
    const Head head = read_head(bytes.data());
    if (auto problem = problem_of(head, body_bytes_max))
      return problem;
    const std::size_t frame_bytes = frame_head_bytes + head.size;
    if (stream.size() - complete < frame_bytes) {
      extent.next = frame_bytes;
      break;
    }
    complete += frame_bytes;
  }
  return std::nullopt;
}

/// Appends the body of each frame in `frames`, which `owner` keeps alive.
std::optional<std::string> cut(const std::shared_ptr<const void>& owner,
                               std::span<const std::uint8_t> frames, std::vector<Bytes>& bodies) {
  while (!frames.empty()) {
    const Head head = read_head(frames.data());
    const auto body = frames.subspan(frame_head_bytes, head.size);
    if (crc32c(body) != head.checksum)
      return "checksum mismatch in a frame of " + std::to_string(head.size) + " bytes";
    bodies.emplace_back(owner, body);
    frames = frames.subspan(frame_head_bytes + head.size);
  }
  return std::nullopt;
}

}  // namespace

Frame make_frame(std::span<const std::uint8_t> body) {
  TROUPE_ASSERT(!body.empty());
  const std::size_t padded = (body.size() + alignment - 1) / alignment * alignment;
  TROUPE_ASSERT(padded <= frame_body_bytes_max);
  auto frame = std::make_shared<std::vector<std::uint8_t>>();
  // Not sized first: that would write everything twice.
  frame->reserve(frame_head_bytes + padded);
  frame->resize(frame_head_bytes);
  frame->insert(frame->end(), body.begin(), body.end());
  frame->resize(frame_head_bytes + padded);

  put_u32(static_cast<std::uint32_t>(padded), frame->data());
  put_u32(crc32c({frame->data() + frame_head_bytes, padded}), frame->data() + 4);
  return frame;
}

std::optional<std::string> FrameCutter::take(std::span<const char> arrived,
                                             std::vector<Bytes>& bodies) {
  const Stream stream{.before = buffer_, .arrived = arrived};
  Extent extent;
  if (auto problem = measure(stream, body_bytes_max_, extent))
    return problem;
  const std::size_t complete = extent.complete;
  if (complete == 0) {
    keep(arrived, extent.next);
    return std::nullopt;
  }

  // Words, so that the first head, and with it every body, is aligned.
  auto buffer = std::make_shared_for_overwrite<std::uint64_t[]>(complete / sizeof(std::uint64_t));
  stream.copy(0, complete, buffer.get());
  // All that was left over before belongs to the first frame.
  TROUPE_ASSERT(buffer_.size() <= complete);
  const auto rest = arrived.subspan(complete - buffer_.size());
  buffer_.clear();
  if (buffer_.capacity() > kept_bytes_max)
    buffer_ = std::vector<char>();  // `= {}` would keep the memory.
  keep(rest, extent.next);

  const auto* data = reinterpret_cast<const std::uint8_t*>(buffer.get());
  return cut(std::move(buffer), {data, complete}, bodies);
}

/// Grows with what arrives, as a vector does, but not beyond the frame.
void FrameCutter::keep(std::span<const char> rest, std::size_t frame_bytes) {
  const std::size_t needed = buffer_.size() + rest.size();
  if (needed > buffer_.capacity())
    buffer_.reserve(std::max(needed, std::min(2 * buffer_.capacity(), frame_bytes)));
  buffer_.insert(buffer_.end(), rest.begin(), rest.end());
}

}  // namespace troupe::wire
