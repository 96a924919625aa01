#pragma once

#include "core/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::wire {

/// What travels over a connection: eight bytes of head (u32 size of the body, u32 CRC32C of the
/// body, little endian) and the body, a FlatBuffer `Packet` padded with zeros to a multiple of
/// eight, so that every frame of a batch is aligned. The size counts the padding.
inline constexpr std::size_t frame_head_bytes = 8;

/// The largest body we read or write. Checked before anything is allocated.
inline constexpr std::size_t frame_body_bytes_max = std::size_t{16} << 20;

/// An encoded frame, head included; shared between all connections that send it.
using Frame = std::shared_ptr<const std::vector<std::uint8_t>>;

/// Pads `body` and puts its head before it. Requires: not empty, and at most
/// `frame_body_bytes_max`.
Frame make_frame(std::span<const std::uint8_t> body);

/// Cuts a stream of bytes into frames. Holds at most one incomplete frame, and of it only what
/// has arrived: a head that promises a large body costs its sender the body.
class FrameCutter {
public:
  explicit FrameCutter(std::size_t body_bytes_max = frame_body_bytes_max)
      : body_bytes_max_(body_bytes_max) {}

  /// Takes what arrived and appends the bodies of all frames that are complete to `bodies`; each
  /// is a slice of one shared buffer, aligned to eight bytes. Returns what is wrong with the
  /// stream, after which the connection must be closed: a head that names a size that no frame
  /// has, a checksum that does not match. What was appended by then is sound.
  std::optional<std::string> take(std::span<const char> arrived, std::vector<Bytes>& bodies);

  std::size_t buffered_bytes() const { return buffer_.size(); }

  /// The memory for it: never more than the frame will take, and between frames no more than this.
  std::size_t held_bytes() const { return buffer_.capacity(); }
  static constexpr std::size_t kept_bytes_max = std::size_t{64} << 10;

private:
  void keep(std::span<const char> rest, std::size_t frame_bytes);

  std::size_t body_bytes_max_;
  std::vector<char> buffer_{};
};

}  // namespace troupe::wire
