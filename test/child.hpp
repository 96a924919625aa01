#pragma once

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <type_traits>

namespace troupe {

/// `run_in_child` returns this plus the signal if a signal ended the process.
constexpr int ended_by = 1000;

/// Runs `task` in a process of its own and returns the exit code: the number that `task` returns,
/// or 0 if it returns nothing.
template <class Task>
int run_in_child(Task task) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if constexpr (std::is_void_v<decltype(task())>) {
      task();
      ::_exit(0);
    } else {
      ::_exit(task());
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : ended_by + WTERMSIG(status);
}

}  // namespace troupe
