#include "core/options.hpp"

#include "core/entry.hpp"

#include <algorithm>

namespace troupe {

std::string problem(const EngineOptions& options) {
  if (options.self == nobody)
    return "self: a peer needs an id";
  if (options.heartbeat_interval <= Duration::zero())
    return "heartbeat_interval must be above 0";
  if (options.election_timeout_min < 3 * options.heartbeat_interval)
    return "election_timeout_min must be at least three times heartbeat_interval";
  if (options.election_timeout_max <= options.election_timeout_min)
    return "election_timeout_max must be above election_timeout_min";
  if (options.quiet_after < Duration::zero())
    return "quiet_after must not be below 0";
  if (options.quiet_interval < std::max(options.quiet_after, options.heartbeat_interval))
    return "quiet_interval must be at least quiet_after and heartbeat_interval";
  if (options.disk_stall_max <= Duration::zero())
    return "disk_stall_max must be above 0";
  if (options.clock_error < Duration::zero())
    return "clock_error must not be below 0";
  if (options.append_bytes_max == 0)
    return "append_bytes_max must be above 0";
  if (options.window_bytes_max < options.append_bytes_max)
    return "window_bytes_max must hold at least one message of append_bytes_max";
  if (options.window_messages_max == 0)
    return "window_messages_max must be above 0";
  if (options.cut_entries_max == 0)
    return "cut_entries_max must be above 0";
  if (options.clean_entries_max == 0)
    return "clean_entries_max must be above 0";
  if (options.entry_bytes_max == 0)
    return "entry_bytes_max must be above 0";
  if (options.uncommitted_bytes_max < entry_head_bytes
      || options.uncommitted_bytes_max - entry_head_bytes < options.entry_bytes_max)
    return "uncommitted_bytes_max must hold at least one entry of entry_bytes_max and its head";
  return {};
}

}  // namespace troupe
