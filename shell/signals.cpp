#include "shell/signals.hpp"

#include "core/assert.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace troupe::shell {

Signals::Signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);

  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH})
    sigaddset(&signals_, signal);
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
