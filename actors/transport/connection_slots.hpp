#pragma once

#include "actors/runtime/caf.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::actors {

/// Another connection needs the place: a connection that gets this ends.
struct GiveWay {
  std::string why{};
};

struct SlotLimits {
  std::size_t connections_max = 4096;  ///< Clients.
  /// Of them from one source (`source_of`): one machine must not keep out all others.
  std::size_t per_source_max = 4096;
  /// Connections from nodes that are members, beside those.
  std::size_t nodes_max = 64;
  /// Connections before their hello, beside those. If there are too many, one that has had time for
  /// its hello gives way to the next: the oldest of the same source, otherwise the oldest of all.
  std::size_t strangers_max = 64;
};

/// The places of a node for connections, and their holders. All its incoming connections use it.
///
/// A connection enters as a stranger, and gets its place with its hello. If there is no place, it
/// takes that of the client that was silent for longest, if that is long enough. Otherwise the node
/// refuses the connection, and tells it so. A client that never asks anything after its hello ends
/// in any case.
class ConnectionSlots {
public:
  using Clock = caf::actor_clock;

  explicit ConnectionSlots(SlotLimits limits) : limits_(limits) {}

  /// Set by a connection with each read.
  using Used = std::shared_ptr<std::atomic<bool>>;

  /// The decision on a connection that arrives or says hello.
  struct Verdict {
    Used used{};                         ///< Of a new stranger.
    std::string refusal{};               ///< Empty: there is a place.
    std::vector<caf::actor> give_way{};  ///< Are to end.
  };

  /// Whether the next client would have a place for certain. If not, a node does not say hello
  /// before it has heard one, so that it can refuse.
  bool has_free() const;

  /// Waits while one more would push out a stranger that has hardly had time for its hello, 250 ms
  /// at most: many may connect at once. The thread that accepts calls it before each `enter`.
  void await_place(const std::string& source, Clock::time_point now);
  Verdict enter(const caf::actor& connection, std::string source, Clock::time_point now);
  /// It said hello; `is_member`: as a node that is a member of a configuration here.
  Verdict admit(caf::actor_id connection, bool is_member, Clock::time_point now);
  void leave(caf::actor_id connection);

  /// To be called every second or so. Returns the clients that must end: they never asked anything.
  std::vector<caf::actor> look(Clock::time_point now);

  std::size_t size() const;

private:
  enum class Kind : std::uint8_t { stranger, client, node };
  struct Slot {
    caf::actor_addr connection{};
    std::string source{};
    Kind kind = Kind::stranger;
    Used used{};
    bool ever_used = false;
    Clock::time_point entered{};
    Clock::time_point used_at{};  ///< Or when it said hello.
  };
  using Slots = std::map<caf::actor_id, Slot>;

  bool has_place_for_stranger() const;
  void notice(Slot& slot, Clock::time_point now) const;
  std::size_t count(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  void change(Slot& slot, Kind kind);
  void remove(Slots::iterator slot, std::vector<caf::actor>& give_way);
  Slots::iterator stranger_to_go(const std::string& source, Clock::time_point now);
  Slots::iterator idle_client(const std::string* source, Clock::time_point now);

  const SlotLimits limits_;
  mutable std::mutex mutex_{};
  std::condition_variable stranger_left_{};
  std::size_t arriving_ = 0;  ///< Were accepted, and have not entered yet.
  Slots slots_{};
  std::size_t counts_[3] = {};
  std::map<std::string, std::size_t> clients_of_{};  ///< By source; none without.
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::GiveWay)
