#include "shell/exit_signals.hpp"

#include "core/assert.hpp"

#include <unistd.h>

#include <thread>
#include <utility>

namespace troupe::shell {

namespace {

constexpr int exit_by_signal = 128;  ///< And the signal.

}  // namespace

ExitSignals::ExitSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  struct sigaction present {};
  // nohup has it ignored.
  if (sigaction(SIGHUP, nullptr, &present) == 0 && present.sa_handler != SIG_IGN)
    sigaddset(&signals_, SIGHUP);
  const int blocked = pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  TROUPE_ASSERT(blocked == 0);
}

void ExitSignals::leave_after(std::function<void()> clear_away) const {
  std::thread([signals = signals_, clear_away = std::move(clear_away)] {
    int signal = 0;
    sigwait(&signals, &signal);
    clear_away();
    _exit(exit_by_signal + signal);
  }).detach();
}

}  // namespace troupe::shell
