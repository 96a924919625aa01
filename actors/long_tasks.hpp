#pragma once

#include "core/types.hpp"

namespace troupe::actors {

/// Whether an actor's tasks are short enough to be done where others wait for them.
///
/// One that was not sends the actor away for a while, the next for twice as long, up to a maximum:
/// so what is always slow costs the others next to nothing, and what is slow once comes back soon.
class LongTasks {
public:
  void note(Duration took, Time now);

  bool should_stay_away(Time now) const { return now < away_until_; }

private:
  Time away_until_{};
  Duration pause_{};  ///< The last.
};

}  // namespace troupe::actors
