#pragma once

#include "actors/runtime/caf.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::actors {

/// The other connections need the memory of half a frame: a connection that gets this ends, unless
/// the frame is complete by now.
struct HalfFrameTooMuch {};

/// Bounds the memory that incomplete frames of all connections of a node hold together. Beyond it
/// some of these connections end. All connections use it.
///
/// First those end that made no progress for a second, then those of the source that holds the
/// most: of one source, the one whose last 64 KiB began to come the longest ago. Connections of
/// nodes end last. So an upload that goes on is not cut by others that were begun and left.
class HalfFrames {
public:
  using Clock = caf::actor_clock;

  explicit HalfFrames(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Holder {
    caf::actor connection{};
    std::string source{};  ///< See `source_of`.
    bool is_node = false;  ///< A member of a configuration here.
  };

  /// `holder` holds so many bytes for a frame of which so many have arrived. Returns connections
  /// that must end.
  std::vector<caf::actor> hold(const Holder& holder, std::size_t bytes, std::size_t arrived,
                               Clock::time_point now);
  /// It holds none. Nothing happens if it did not.
  void release(caf::actor_id connection);

  std::size_t bytes() const;

private:
  struct Half {
    caf::actor_addr connection{};
    std::string source{};
    bool is_node = false;
    std::size_t bytes = 0;
    std::size_t marked = 0;         ///< So much had arrived...
    Clock::time_point marked_at{};  ///< ...when we last looked at how fast it comes.
  };
  using Halves = std::map<caf::actor_id, Half>;

  Halves::iterator worst(Clock::time_point now);
  void forget(Halves::iterator half);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_{};
  Halves halves_{};
  std::size_t bytes_ = 0;
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::HalfFrameTooMuch)
