#pragma once

#include <chrono>
#include <csignal>

namespace troupe::shell {

/// Ignores the signals that end a process by default although they ask for nothing: SIGUSR1,
/// SIGUSR2, the timers', SIGIO, SIGPWR and the real-time ones. One that the program has a handler
/// for keeps it. Signals that ask for an end (SIGINT, SIGTERM, SIGQUIT) and those of a fault in the
/// program are left alone.
void ignore_stray_signals();

/// What a hangup, SIGHUP, means to a process. One that was started with SIGHUP ignored, as nohup
/// does, goes on in either case.
enum class Hangup {
  ends,       ///< A person's terminal is gone.
  is_nothing  ///< Peers depend on the process, and it on no terminal.
};

/// Holds a hangup back while the process does not know yet what one means to it. Create this first
/// of all: until then a hangup ends the process. `Signals` takes over the hangup that came
/// meanwhile and those that follow.
class HeldHangup {
public:
  HeldHangup();

  /// For a process that creates no `Signals`: a hangup ends it, also one that came meanwhile.
  void release() const;

private:
  bool was_held_ = false;  ///< By the process that started this one.
};

/// What the operating system asks of the process, as news to read instead of interruptions.
///
/// Create it before the first thread: threads inherit that these signals wait for us. Writing to a
/// closed connection or beyond a file size limit is an error of that write, never the end of the
/// process.
class Signals {
public:
  explicit Signals(Hangup hangup);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Readable when there is news.
  int descriptor() const { return descriptor_; }

  /// Waits until there is news, `other` (a descriptor, or -1) is readable, or the time is over.
  /// Then reads the news. Returns whether `other` can be read.
  bool wait(std::chrono::milliseconds timeout, int other = -1);

  /// Ctrl-C was pressed since it was taken last.
  bool interrupted() const { return interrupted_; }
  bool take_interrupt();
  /// The terminal's size changed since this was asked last.
  bool take_resize();
  /// The process shall end.
  bool stop_requested() const { return stop_requested_; }

  /// From here on the signals do what they do by default: who asks twice does not want to wait.
  void release();

private:
  void collect();

  sigset_t signals_{};
  int descriptor_ = -1;
  bool interrupted_ = false;
  bool resized_ = false;
  bool stop_requested_ = false;
};

}  // namespace troupe::shell
