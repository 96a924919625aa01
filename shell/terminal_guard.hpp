#pragma once

namespace troupe::shell {

/// Gives the terminal back as it was, whichever signal ends the process or stops it: Ctrl-\,
/// Ctrl-Z, a crash. The signal then does what it does by default. Signals that are ignored or
/// handled by somebody else are left alone. One at a time.
class TerminalGuard {
public:
  /// Remembers how the terminal behind standard input is set.
  TerminalGuard();
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

  /// Whether the process was stopped and goes on since this was asked last: then the line that is
  /// edited must be drawn again.
  bool take_resumed();
};

}  // namespace troupe::shell
