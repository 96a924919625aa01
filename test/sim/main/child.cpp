#include "test/sim/main/child.hpp"

#include "test/sim/cluster.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace troupe::sim {

namespace {

/// Of a processor. An honest run takes a few hundredths of it, and an exploration a tenth.
constexpr unsigned run_seconds_max = 20;

[[noreturn]] void be_child(const std::function<std::optional<Failure>()>& work, int pipe) {
  const int nowhere = open("/dev/null", O_WRONLY);
  dup2(nowhere, STDERR_FILENO);
  const rlimit limit{.rlim_cur = run_seconds_max, .rlim_max = run_seconds_max + 1};
  setrlimit(RLIMIT_CPU, &limit);
  const std::optional<Failure> failure = work();
  if (!failure)
    std::_Exit(0);
  const std::string told =
      std::to_string(failure->at.value_or(Time{}).count()) + " " + failure->what;
  // Longer than a pipe holds it is not.
  const bool written = write(pipe, told.data(), told.size()) == static_cast<ssize_t>(told.size());
  std::_Exit(written ? 1 : 2);
}

std::string read_all(int pipe) {
  std::string out;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(pipe, buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(count));
  return out;
}

}  // namespace

std::optional<Failure> run_in_child(const Swarm& swarm) {
  return in_child([&]() -> std::optional<Failure> {
    const Verdict verdict = run_swarm(swarm);
    return verdict.violation ? std::optional(Failure{*verdict.violation, verdict.simulated})
                             : std::nullopt;
  });
}

std::optional<Failure> in_child(const std::function<std::optional<Failure>()>& work) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0)
    std::abort();
  const pid_t process = fork();
  if (process < 0)
    std::abort();
  if (process == 0) {
    close(ends[0]);
    be_child(work, ends[1]);
  }
  close(ends[1]);
  const std::string told = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return std::nullopt;
  const std::size_t space = told.find(' ');
  if (WIFEXITED(status) && space != std::string::npos)
    return Failure{told.substr(space + 1), Time{std::stoll(told)}};
  const bool spun = WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;
  return Failure{spun ? "the run does not end" : "the process died", std::nullopt};
}

}  // namespace troupe::sim
