#pragma once

#include <csignal>
#include <functional>

namespace troupe::shell {

/// Ctrl-C, SIGTERM and the end of the terminal for a program that starts nodes of its own and waits
/// for them in many places: it clears away and is gone, whatever its threads wait for. `Signals` is
/// for those that look for news themselves.
class ExitSignals {
public:
  /// Create it before the first thread: all of them inherit that these signals wait.
  ExitSignals();

  /// From here on the first of them has `clear_away` called, on a thread of its own, and then ends
  /// the process with the exit code that shells give it.
  void leave_after(std::function<void()> clear_away) const;

private:
  sigset_t signals_{};
};

}  // namespace troupe::shell
