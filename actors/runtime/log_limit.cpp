#include "actors/runtime/log_limit.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

constexpr std::chrono::seconds window_time{1};

}  // namespace

LogLimit::Window& LogLimit::window_of(std::string_view event, Time now) {
  auto found = windows_.find(event);
  if (found == windows_.end()) {
    const std::string_view key = windows_.size() < events_max ? event : "other";
    found = windows_.try_emplace(std::string(key), Window{.since = now}).first;
  }
  return found->second;
}

bool LogLimit::admit(std::string_view event, Time now) {
  Window& window = window_of(event, now);
  if (now >= window.since + window_time) {
    window.since = now;
    window.written = 0;
  }
  if (window.written < lines_max) {
    ++window.written;
    return true;
  }
  if (window.suppressed++ == 0)
    window.tell_at = now + window_time;
  return false;
}

std::vector<LogLimit::Suppressed> LogLimit::take(Time now) {
  std::vector<Suppressed> told;
  for (auto& [event, window] : windows_)
    if (window.suppressed > 0 && window.tell_at <= now)
      told.push_back({.event = event, .lines = std::exchange(window.suppressed, 0)});
  return told;
}

std::optional<LogLimit::Time> LogLimit::deadline() const {
  std::optional<Time> first;
  for (const auto& [event, window] : windows_)
    if (window.suppressed > 0)
      first = first ? std::min(*first, window.tell_at) : window.tell_at;
  return first;
}

}  // namespace troupe::actors
