#pragma once

#include "actors/client/client.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace demo {

/// What became of what was written.
struct Tally {
  std::size_t acknowledged = 0;
  std::size_t in_doubt = 0;  ///< Ended in `unknown_outcome` or `timeout`, and were written again.
  std::size_t refused = 0;
  std::chrono::microseconds longest_pause{0};  ///< Between two acknowledgements.
};

/// Writes and reads pairs through a client, many at a time, and remembers what was promised.
class Load {
public:
  Load(troupe::actors::Client& client, std::size_t in_flight_max)
      : client_(client), in_flight_max_(in_flight_max) {}

  /// Writes; waits only while too many are in flight. A write in doubt is repeated, which
  /// is safe for `set`: it comes to the same whether it happened once or twice.
  void put(const std::string& key, const std::string& value);
  /// Waits until all is answered.
  void wait();

  /// Reads back all that was acknowledged; answers how many differ.
  std::size_t lost(const std::function<void(std::size_t)>& on_progress);

  Tally tally() const;
  std::size_t answered() const;
  std::size_t promised() const;

private:
  using Clock = std::chrono::steady_clock;
  void send(const std::string& key, const std::string& value);
  void on_reply(const std::string& key, const std::string& value, troupe::Refusal refusal);

  troupe::actors::Client& client_;
  std::size_t in_flight_max_;
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::size_t in_flight_ = 0;
  Tally tally_{};
  Clock::time_point last_acknowledged_{};
  std::map<std::string, std::string> promised_{};
};

}  // namespace demo
