#pragma once

#include "core/log.hpp"
#include "core/options.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <optional>

namespace troupe {

/// Cuts the log of one peer behind its snapshot, a piece at a time: to cut all at once would stall
/// a store. Cuts ride on other writes; after a heartbeat without one they cause a write of their
/// own.
class LogCutter {
public:
  explicit LogCutter(const EngineOptions& options);

  /// `covered` is in a durable snapshot. Some entries before it stay, for followers that lag a
  /// little: to send them is cheaper than a snapshot.
  void plan(Index covered, const Log& log);
  /// Nothing is to be cut any more.
  void give_up() { to_ = {}; }
  /// When to cut the next piece, by a write of its own if there is no other.
  Time deadline(const Log& log) const;
  /// Cuts a piece. Returns the first entry that is left; nothing if there was nothing to cut.
  std::optional<Index> cut(Time now, Log& log);

private:
  std::size_t keep_entries_;
  std::size_t keep_bytes_;
  std::size_t piece_entries_max_;
  Duration interval_;
  Index to_{};  ///< The entries before this one are to go...
  Time at_{};   ///< ...some of which went then.
};

}  // namespace troupe
