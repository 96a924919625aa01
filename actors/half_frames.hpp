#pragma once

#include "actors/caf.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe::actors {

/// The other connections need what half a frame takes: whoever gets this ends, unless the frame is
/// complete by now.
struct HalfFrameTooMuch {};

/// What the incomplete frames of all connections of a node may hold together. Beyond that, those
/// give way that began first: who means it is done in milliseconds. Used by all connections.
class HalfFrames {
public:
  explicit HalfFrames(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// `connection` holds so many bytes of a frame. Answers who must end.
  std::vector<caf::actor> hold(const caf::actor& connection, std::size_t bytes);
  /// It holds none. Nothing happens if it did not.
  void release(caf::actor_id connection);

  std::size_t bytes() const;

private:
  struct Half {
    caf::actor_addr connection{};
    std::size_t bytes = 0;
    std::uint64_t began = 0;  ///< Counts the frames that began.
  };

  void forget(std::map<caf::actor_id, Half>::iterator half);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_{};
  std::map<caf::actor_id, Half> halves_{};
  std::size_t bytes_ = 0;
  std::uint64_t began_ = 0;
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::HalfFrameTooMuch)
