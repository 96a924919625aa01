#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actors {

/// Keeps one event from filling the log: of each event ten lines a second are written, the others
/// are counted, and the count becomes a line of its own a second after the first of them.
/// Takes time as a value.
class LogLimit {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::uint64_t lines_max = 10;  ///< Of one event, in each second.
  /// Events that are told apart. The others share one count, under the name "other".
  static constexpr std::size_t events_max = 256;

  struct Suppressed {
    std::string event{};
    std::uint64_t lines = 0;
  };

  /// Whether this line is to be written.
  bool admit(std::string_view event, Time now);
  /// What was suppressed and is to be told by now.
  std::vector<Suppressed> take(Time now);
  /// When `take` has something to tell; nothing if nothing is suppressed.
  std::optional<Time> deadline() const;

private:
  struct Window {
    Time since{};
    std::uint64_t written = 0;
    std::uint64_t suppressed = 0;
    Time tell_at{};  ///< If any are suppressed.
  };
  Window& window_of(std::string_view event, Time now);

  std::map<std::string, Window, std::less<>> windows_{};
};

}  // namespace troupe::actors
