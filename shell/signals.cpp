#include "shell/signals.hpp"

#include "core/assert.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace troupe::shell {

namespace {

bool is_disposed(int signal, void (*how)(int)) {
  struct sigaction present {};
  return sigaction(signal, nullptr, &present) == 0 && (present.sa_flags & SA_SIGINFO) == 0
         && present.sa_handler == how;
}

void ignore_unless_handled(int signal) {
  if (is_disposed(signal, SIG_DFL))
    std::signal(signal, SIG_IGN);
}

sigset_t only(int signal) {
  sigset_t signals{};
  sigemptyset(&signals);
  sigaddset(&signals, signal);
  return signals;
}

}  // namespace

HeldHangup::HeldHangup() {
  const sigset_t hangup = only(SIGHUP);
  sigset_t before{};
  const int blocked = pthread_sigmask(SIG_BLOCK, &hangup, &before);
  TROUPE_ASSERT(blocked == 0);
  was_held_ = sigismember(&before, SIGHUP) == 1;
}

void HeldHangup::release() const {
  const sigset_t hangup = only(SIGHUP);
  if (!was_held_)
    pthread_sigmask(SIG_UNBLOCK, &hangup, nullptr);
}

void ignore_stray_signals() {
  for (const int signal : {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT})
    ignore_unless_handled(signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
    ignore_unless_handled(signal);
}

Signals::Signals(Hangup hangup) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  if (hangup == Hangup::is_nothing)
    std::signal(SIGHUP, SIG_IGN);  // Also behind `release`, and one that was held back.

  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGWINCH})
    sigaddset(&signals_, signal);
  // A signal that is blocked is news even if it is ignored.
  if (!is_disposed(SIGHUP, SIG_IGN))
    sigaddset(&signals_, SIGHUP);
  const int blocked = pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  TROUPE_ASSERT(blocked == 0);
  descriptor_ = signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC);
  TROUPE_ASSERT(descriptor_ >= 0);
}

Signals::~Signals() {
  release();
  close(descriptor_);
}

bool Signals::wait(std::chrono::milliseconds timeout, int other) {
  std::array<pollfd, 2> watched{{{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                 {.fd = other, .events = POLLIN, .revents = 0}}};
  const int ready = poll(watched.data(), watched.size(), static_cast<int>(timeout.count()));
  collect();
  // Errors and ends count as readable: reading tells which it is.
  return ready > 0 && watched[1].revents != 0;
}

bool Signals::take_interrupt() {
  return std::exchange(interrupted_, false);
}

bool Signals::take_resize() {
  return std::exchange(resized_, false);
}

void Signals::release() {
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

void Signals::collect() {
  signalfd_siginfo news{};
  while (read(descriptor_, &news, sizeof news) == static_cast<ssize_t>(sizeof news)) {
    if (news.ssi_signo == SIGINT)
      interrupted_ = true;
    else if (news.ssi_signo == SIGWINCH)
      resized_ = true;
    else
      stop_requested_ = true;
  }
}

}  // namespace troupe::shell
