#include "core/log_cutter.hpp"

#include <algorithm>

namespace troupe {

LogCutter::LogCutter(const EngineOptions& options)
    : keep_entries_(options.snapshot_keep_entries),
      keep_bytes_(options.snapshot_keep_bytes),
      piece_entries_max_(options.cut_entries_max),
      interval_(options.heartbeat_interval) {}

void LogCutter::plan(Index covered, const Log& log) {
  to_ = log.first_of_last(covered, keep_entries_, keep_bytes_);
}

Time LogCutter::deadline(const Log& log) const {
  return to_ > log.first() ? at_ + interval_ : never;
}

std::optional<Index> LogCutter::cut(Time now, Log& log) {
  if (to_ <= log.first())
    return std::nullopt;
  const Index to = std::min(to_, Index{log.first().value + piece_entries_max_});
  log.cut_before(to);
  at_ = now;
  return to;
}

}  // namespace troupe
