#pragma once

#include "machine/resource.hpp"

#include <memory>

namespace troupe::machine {

/// What committed entries change: a resource, and how far it has come. The one
/// place that calls `Resource`, so that a resource that fails poisons nothing.
class ReplicatedState {
public:
  explicit ReplicatedState(std::unique_ptr<Resource> resource);

  /// Requires: `command.index > applied()`.
  Reply apply(const Command& command);
  /// An entry that changes nothing here (no-op, configuration) was committed.
  /// Requires: `index > applied()`.
  void skip(Index index);
  Reply query(View question) const;

  Index applied() const { return applied_; }
  const Resource& resource() const { return *resource_; }

private:
  std::unique_ptr<Resource> resource_;
  Index applied_{};
};

}  // namespace troupe::machine
