#pragma once

#include <cstddef>
#include <memory>

namespace troupe::actors {

/// A share of a `Backlog`. Goes with what is to be answered; its last copy gives the share back.
using Ticket = std::shared_ptr<const void>;

/// Bounds what was passed on and is not answered yet. Its tickets may outlive it, and end anywhere.
class Backlog {
public:
  Backlog(std::size_t items_max, std::size_t bytes_max);

  /// Null if it would be too much. One actor admits.
  Ticket admit(std::size_t items, std::size_t bytes);

private:
  struct Count;

  std::size_t items_max_;
  std::size_t bytes_max_;
  std::shared_ptr<Count> count_;
};

}  // namespace troupe::actors
