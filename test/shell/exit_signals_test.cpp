#include "shell/exit_signals.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

using troupe::shell::ExitSignals;

namespace {

/// A process that tells when it is ready, and what it cleared away.
[[noreturn]] void be_interrupted(int tell) {
  std::signal(SIGHUP, SIG_DFL);  // nohup ignores it, and so would we.
  const ExitSignals signals;
  signals.leave_after([tell] { (void)!write(tell, "c", 1); });
  (void)!write(tell, "r", 1);
  for (;;)
    pause();  // Whatever it waits for.
}

char hear(int from) {
  char word = 0;
  return read(from, &word, 1) == 1 ? word : '-';
}

}  // namespace

TEST_CASE("a program that is interrupted clears away and ends, whatever it waits for") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
      be_interrupted(ends[1]);
    close(ends[1]);
    REQUIRE(hear(ends[0]) == 'r');

    kill(child, signal);

    CHECK(hear(ends[0]) == 'c');
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + signal);
    close(ends[0]);
  }
}
