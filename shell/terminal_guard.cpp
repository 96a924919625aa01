#include "shell/terminal_guard.hpp"

#include "core/assert.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <utility>

namespace troupe::shell {

namespace {

/// All that end or stop a process by default. SIGINT, SIGTERM, SIGHUP and SIGWINCH are read as
/// news.
constexpr std::array guarded{SIGQUIT, SIGTSTP, SIGABRT,   SIGSEGV, SIGBUS,  SIGFPE,
                             SIGILL,  SIGTRAP, SIGSYS,    SIGALRM, SIGUSR1, SIGUSR2,
                             SIGPROF, SIGPOLL, SIGVTALRM, SIGXCPU, SIGPWR,  SIGSTKFLT};

// For the handler, which knows nothing else.
termios as_it_was{};
std::atomic<bool> guards{false};
std::atomic<bool> resumed{false};
static_assert(std::atomic<bool>::is_always_lock_free);

/// Calls only functions that POSIX allows in a handler.
void on_signal(int signal) {
  const int saved_errno = errno;
  termios edited{};
  // In the background it is another's.
  const bool ours = tcgetpgrp(STDIN_FILENO) == getpgrp() && tcgetattr(STDIN_FILENO, &edited) == 0;
  if (ours)
    tcsetattr(STDIN_FILENO, TCSANOW, &as_it_was);

  struct sigaction before {};
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  sigaction(signal, &by_default, &before);
  sigset_t only{};
  sigemptyset(&only);
  sigaddset(&only, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  // Only a process that was stopped gets here, when it goes on.
  sigaction(signal, &before, nullptr);
  if (ours && tcgetpgrp(STDIN_FILENO) == getpgrp())
    tcsetattr(STDIN_FILENO, TCSANOW, &edited);
  resumed = true;
  errno = saved_errno;
}

}  // namespace

TerminalGuard::TerminalGuard() {
  const bool second = guards.exchange(true);
  TROUPE_ASSERT(!second);
  if (tcgetattr(STDIN_FILENO, &as_it_was) != 0)
    return;
  for (const int signal : guarded) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL)
      continue;
    action.sa_handler = &on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

TerminalGuard::~TerminalGuard() {
  for (const int signal : guarded) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != &on_signal)
      continue;
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  guards = false;
}

bool TerminalGuard::take_resumed() {
  return resumed.exchange(false);
}

}  // namespace troupe::shell
