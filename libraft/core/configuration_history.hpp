#pragma once

#include "core/configuration.hpp"
#include "core/flat_map.hpp"
#include "core/types.hpp"

#include <optional>
#include <utility>

namespace troupe {

/// The configurations that one peer knows of. Those in its log, with the last of those that were
/// cut from it: the last one is in force, from the moment it is in the log, committed or not
/// (§4.1). And the one that a leader told this peer, if it is a standby and holds no log.
class ConfigurationHistory {
public:
  /// In force; empty if there is none.
  const Configuration& in_force() const { return in_log_.empty() ? none : in_log_.back().second; }
  /// Of the entry that holds it; 0 if none.
  Index index() const { return in_log_.empty() ? Index{} : in_log_.back().first; }
  /// In force before that one; nothing if it was cut, or never was.
  const Configuration* previous() const;
  /// In force at `index`, and the index of its entry; nothing if there was none.
  const FlatMap<Index, Configuration>::value_type* at(Index index) const;
  /// The newest known: what a leader told, otherwise what is in force. For redirecting clients.
  const Configuration& known() const { return told_ ? *told_ : in_force(); }

  /// The log holds `configuration` at `index`.
  void append(Index index, Configuration configuration);
  /// The log lost the entry at `index` and all behind it.
  void truncate_from(Index index);
  /// The log lost all up to `index`. The configuration in force there still is.
  void cut_upto(Index index);
  /// The log begins anew, behind a snapshot with this configuration.
  void restart(Index index, Configuration configuration);
  /// A leader told who is in the cluster, or the log is to be believed again.
  void tell(std::optional<Configuration> told) { told_ = std::move(told); }

  const FlatMap<Index, Configuration>& in_log() const { return in_log_; }

private:
  inline static const Configuration none{};

  FlatMap<Index, Configuration> in_log_{};
  std::optional<Configuration> told_{};
};

}  // namespace troupe
