/// Nodes whose processors are wanted by many other processes: how often they elect.

#include "test/bench/measure.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t in_flight = 16;
constexpr std::size_t hogs_per_core = 10;
constexpr auto warm_up = std::chrono::seconds(2);

/// Processes that do nothing, as fast as they can, each in a session of its own.
class Hogs {
public:
  explicit Hogs(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      pids_.push_back(start());
  }
  Hogs(const Hogs&) = delete;
  Hogs& operator=(const Hogs&) = delete;
  ~Hogs() {
    for (const pid_t pid : pids_)
      ::kill(pid, SIGKILL);
    for (const pid_t pid : pids_)
      ::waitpid(pid, nullptr, 0);
  }

private:
  static pid_t start() {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
      throw std::runtime_error("cannot start a process");
    if (pid > 0)
      return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
      ::_exit(1);
    ::setsid();  // Kernels may share processors out to sessions first.
    for (std::atomic<std::uint64_t> turns = 0;;)
      turns.fetch_add(1, std::memory_order_relaxed);
  }

  std::vector<pid_t> pids_{};
};

/// The highest that any peer knows of. A peer that does not answer in time has no say.
troupe::Term term_of(Stage& stage) {
  troupe::Term highest{};
  for (const std::string& peer : stage.peers())
    highest = std::max(highest, stage.ask().status(peer).term);
  return highest;
}

void run_round(const Options& options, Stage& stage, Load& load, Row& row) {
  const Hogs hogs(
      options.hogs.value_or(hogs_per_core * std::max(std::thread::hardware_concurrency(), 1U)));
  std::this_thread::sleep_for(warm_up);
  const troupe::Term first = term_of(stage);
  const std::uint64_t failed = load.failed();
  (void)load.take();
  (void)load.take_pause();
  const Usage before = stage.usage();
  const auto start = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  const Histogram times = load.take();
  const Pause longest = load.take_pause();
  const double seconds = seconds_since(start);
  Figures figures = figures_of(times, seconds, between(before, stage.usage()), Usage{});
  figures["elections"] = static_cast<double>(term_of(stage).value - first.value);
  figures["longest_gap_us"] =
      std::chrono::duration<double, std::micro>(longest.to - longest.from).count();
  figures["calls_in_doubt"] = static_cast<double>(load.failed() - failed);
  char text[160];
  std::snprintf(text, sizeof text,
                "hogs, round %zu of %zu: %.0f/s, p99 %.0f ms, %.0f elections, longest gap %.0f ms",
                row.rounds.size() + 1, options.rounds, figures["ops_per_s"],
                figures["p99_us"] / 1000, figures["elections"], figures["longest_gap_us"] / 1000);
  say(text);
  row.rounds.push_back(std::move(figures));
}

std::vector<std::string> lines_with(const std::string& text, const std::string& word) {
  std::vector<std::string> found;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, end - from);
    if (line.find(word) != std::string::npos)
      found.push_back(line);
    from = end + 1;
  }
  return found;
}

}  // namespace

void run_hogs(const Options& options, const Print& print) {
  Options apart = options;
  apart.embedded = false;
  apart.single_process = false;
  apart.log_level = "info";
  const std::size_t calls = options.in_flight.value_or(in_flight);
  Stage stage(apart, apart.nodes);
  stage.bootstrap();
  Row row = row_for(apart, "hogs", calls);
  Load load(load_for(apart, stage, {.in_flight = calls, .clients = 1}));
  load.start();
  for (std::size_t i = 0; i < options.rounds; ++i)
    run_round(apart, stage, load, row);
  load.stop();
  for (std::size_t member = 0; member < stage.size(); ++member)
    for (const std::string& line : lines_with(stage.log_of_member(member), " event=role"))
      say(line);
  print(row);
}

}  // namespace bench
