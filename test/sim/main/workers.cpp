#include "test/sim/main/workers.hpp"

#include "test/sim/cluster.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

namespace troupe::sim {

namespace {

/// An honest run takes a few hundredths of it.
constexpr unsigned run_seconds_max = 120;

/// What a child tells of one seed. Smaller than a pipe's atomic write.
struct Report {
  bool violated = false;
  std::uint64_t seed = 0;
  std::uint64_t events = 0;
  double simulated_s = 0;
  Marks marks{};
};
static_assert(std::is_trivially_copyable_v<Report>);

struct Worker {
  pid_t process = -1;
  int pipe = -1;
  std::uint64_t at = 0;  ///< The seed it works on; behind all that there are, at the end.
};

void tell(int pipe, const Report& report) {
  if (write(pipe, &report, sizeof report) != static_cast<ssize_t>(sizeof report))
    std::_Exit(2);
}

void run_one(int pipe, const Batch& batch, std::uint64_t seed) {
  alarm(run_seconds_max);
  Verdict verdict = run_seed(seed, batch.extent);
  if (!verdict.violation && seed % batch.twice_every == 0
      && run_seed(seed, batch.extent).digest != verdict.digest)
    verdict.violation = "a second run of the same seed is another run";
  if (verdict.violation && !batch.quiet) {
    const std::string line = "seed " + std::to_string(seed) + ": " + *verdict.violation
                             + "\n  replay: ./dev sim --seed " + std::to_string(seed) + "\n";
    std::fputs(line.c_str(), stderr);
  }
  tell(pipe, {.violated = verdict.violation.has_value(),
              .seed = seed,
              .events = verdict.events,
              .simulated_s = std::chrono::duration<double>(verdict.simulated).count(),
              .marks = verdict.marks});
}

Worker start(const Batch& batch, std::uint64_t first) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0)
    std::abort();
  const pid_t process = fork();
  if (process < 0)
    std::abort();
  if (process == 0) {
    close(ends[0]);
    if (batch.quiet)
      dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    for (std::uint64_t seed = first; seed < batch.from + batch.seeds; seed += batch.jobs)
      run_one(ends[1], batch, seed);
    std::_Exit(0);
  }
  close(ends[1]);
  return {.process = process, .pipe = ends[0], .at = first};
}

void take(Worker& worker, const Report& report, const Batch& batch, BatchResult& result) {
  worker.at = report.seed + batch.jobs;
  ++result.seeds;
  result.events += report.events;
  result.simulated_s += report.simulated_s;
  result.marks.add(report.marks);
  if (report.violated)
    result.violations.push_back(report.seed);
}

/// The child has ended, by itself or not. Another takes over behind the seed that killed it.
void bury(Worker& worker, const Batch& batch, BatchResult& result) {
  close(worker.pipe);
  waitpid(worker.process, nullptr, 0);
  worker.pipe = -1;
  if (worker.at >= batch.from + batch.seeds)
    return;
  if (!batch.quiet)
    std::fprintf(stderr, "seed %llu: the process died\n  replay: ./dev sim --seed %llu\n",
                 static_cast<unsigned long long>(worker.at),
                 static_cast<unsigned long long>(worker.at));
  ++result.seeds;
  result.violations.push_back(worker.at);
  if (!batch.until_violated)
    worker = start(batch, worker.at + batch.jobs);
}

/// Ends who works on a seed behind one that failed: what comes after it does not matter.
void end_late(std::vector<Worker>& workers, const BatchResult& result) {
  if (result.violations.empty())
    return;
  const std::uint64_t first = *std::ranges::min_element(result.violations);
  for (Worker& worker : workers) {
    if (worker.pipe < 0 || worker.at < first)
      continue;
    kill(worker.process, SIGKILL);
    waitpid(worker.process, nullptr, 0);
    close(std::exchange(worker.pipe, -1));
  }
}

/// Of a processor, that we and children which have ended took.
double cpu_seconds() {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  double sum = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    getrusage(who, &used);
    sum += seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  return sum;
}

}  // namespace

BatchResult run_batch(const Batch& batch, const std::function<void(const BatchResult&)>& progress) {
  using Seconds = std::chrono::duration<double>;
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = cpu_seconds();
  auto last_progress = begin;
  BatchResult result;
  std::vector<Worker> workers;
  for (unsigned job = 0; job < batch.jobs; ++job)
    workers.push_back(start(batch, batch.from + job));
  std::vector<pollfd> polled(workers.size());
  while (std::ranges::any_of(workers, [](const Worker& w) { return w.pipe >= 0; })) {
    for (std::size_t i = 0; i < workers.size(); ++i)
      polled[i] = {.fd = workers[i].pipe, .events = POLLIN, .revents = 0};
    poll(polled.data(), polled.size(), 1000);
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (workers[i].pipe < 0 || polled[i].revents == 0)
        continue;
      Report report;
      if (read(workers[i].pipe, &report, sizeof report) == static_cast<ssize_t>(sizeof report))
        take(workers[i], report, batch, result);
      else
        bury(workers[i], batch, result);
    }
    if (batch.until_violated)
      end_late(workers, result);
    const auto now = std::chrono::steady_clock::now();
    result.seconds = Seconds(now - begin).count();
    if (now - last_progress > std::chrono::seconds(1)) {
      last_progress = now;
      progress(result);
    }
  }
  result.seconds = Seconds(std::chrono::steady_clock::now() - begin).count();
  result.cpu_seconds = cpu_seconds() - cpu_begin;
  std::ranges::sort(result.violations);
  return result;
}

}  // namespace troupe::sim
