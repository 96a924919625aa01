#include "shell/signals.hpp"

#include "shell/run.hpp"
#include "test/child.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

using namespace troupe;
using namespace troupe::shell;

namespace {

constexpr std::chrono::milliseconds at_once{0};

/// Has the process hung up by what it says first on standard error.
void hang_up_at_first_word() {
  std::array<int, 2> ends{};
  const bool ready = pipe(ends.data()) == 0 && dup2(ends[1], STDERR_FILENO) >= 0
                     && fcntl(ends[0], F_SETOWN, getpid()) == 0
                     && fcntl(ends[0], F_SETSIG, SIGHUP) == 0
                     && fcntl(ends[0], F_SETFL, O_ASYNC) == 0;
  if (!ready)
    _exit(100);
}

}  // namespace

TEST_CASE("a hangup that comes before it is known what one means ends no node") {
  const int code = run_in_child([] {
    std::signal(SIGHUP, SIG_DFL);  // nohup ignores it.
    const HeldHangup held;
    raise(SIGHUP);
    Signals signals(Hangup::is_nothing);
    raise(SIGHUP);
    signals.wait(at_once);
    return signals.stop_requested() ? 1 : 0;
  });

  CHECK(code == 0);
}

TEST_CASE("a hangup that comes before it is known what one means is news to a shell") {
  const int code = run_in_child([] {
    std::signal(SIGHUP, SIG_DFL);
    const HeldHangup held;
    raise(SIGHUP);
    Signals signals(Hangup::ends);
    signals.wait(at_once);
    return signals.stop_requested() ? 0 : 1;
  });

  CHECK(code == 0);
}

TEST_CASE("a hangup that was held back ends a process that neither ignores nor reads it") {
  const int code = run_in_child([] {
    std::signal(SIGHUP, SIG_DFL);
    const HeldHangup held;
    raise(SIGHUP);
    held.release();
    return 1;
  });

  CHECK(code == ended_by + SIGHUP);
}

TEST_CASE("a hangup while a program reads its command line does not end it") {
  const int code = run_in_child([] {
    std::signal(SIGHUP, SIG_DFL);
    hang_up_at_first_word();
    std::array<std::string, 3> words{"troupe", "node", "--lisen"};  // It says that this is unknown.
    std::array<char*, 3> arguments{words[0].data(), words[1].data(), words[2].data()};
    return run(static_cast<int>(arguments.size()), arguments.data(), {});
  });

  CHECK(code == 2);
}
