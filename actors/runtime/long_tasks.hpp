#pragma once

#include "core/types.hpp"

namespace troupe::actors {

/// Whether an actor's tasks are short enough for a thread that other actors share.
///
/// A long task sends the actor away for a while, the next one for twice as long, up to a maximum.
/// So an actor that is always slow costs the others next to nothing. One that is slow once comes
/// back.
class LongTasks {
public:
  void note(Duration took, Time now);

  bool should_stay_away(Time now) const { return now < away_until_; }

private:
  Time away_until_{};
  Duration pause_{};  ///< The last.
};

}  // namespace troupe::actors
