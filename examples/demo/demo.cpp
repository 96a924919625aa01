/// The main job, from end to end: three node processes, one log. Loads a real data set, kills the
/// leader with SIGKILL in the middle of a second load, goes on writing, brings the dead node back,
/// stops and restarts all three, and counts what was promised and is not there.

#include "examples/demo/cluster.hpp"
#include "examples/demo/data_set.hpp"
#include "examples/demo/load.hpp"
#include "examples/demo/progress_bar.hpp"
#include "shell/exit_signals.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace demo {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string program{};
  std::string data_set = data_set_path;
  std::size_t in_flight_max = 512;
  std::size_t cycles = 1;
};

struct Report {
  double seconds_writing = 0;
  std::chrono::milliseconds new_leader_known{0};
  std::chrono::milliseconds without_leader{0};
  std::size_t lost = 0;
};

double milliseconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void compare(Load& load, Report& report, const char* label) {
  ProgressBar bar(label, load.promised());
  report.lost += load.lost([&](std::size_t read) { bar.show(read); });
}

void first_load(Load& load, const std::vector<Character>& characters, Report& report) {
  const auto start = Clock::now();
  ProgressBar bar("loading", characters.size());
  for (const Character& character : characters) {
    load.put(character.code, character.name);
    bar.show(load.answered());
  }
  load.wait();
  bar.show(characters.size());
  report.seconds_writing += seconds_since(start);
}

/// Writes every character again, and kills the leader when a third is through.
void second_load(Cluster& cluster, Load& load, const std::vector<Character>& characters,
                 std::size_t cycle, Report& report) {
  const std::string old_leader = cluster.leader();
  const std::size_t before = load.answered();
  const auto start = Clock::now();
  std::thread watcher;
  {
    ProgressBar bar("rewriting", characters.size());
    for (std::size_t i = 0; i < characters.size(); ++i) {
      if (i == characters.size() / 3) {
        cluster.node_of(old_leader).kill();
        watcher = std::thread([&, killed = Clock::now()] {
          cluster.leader(old_leader);
          report.new_leader_known = std::max(
              report.new_leader_known,
              std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - killed));
        });
      }
      load.put(characters[i].code, characters[i].line + std::to_string(cycle));
      bar.show(load.answered() - before);
    }
    load.wait();
    bar.show(characters.size());
  }
  watcher.join();
  report.seconds_writing += seconds_since(start);
  report.without_leader =
      std::max(report.without_leader,
               std::chrono::duration_cast<std::chrono::milliseconds>(load.tally().longest_pause));
  std::printf("  killed %s (kill -9); new leader %s known after %ld ms, longest pause %.0f ms\n",
              old_leader.c_str(), cluster.leader(old_leader).c_str(),
              static_cast<long>(report.new_leader_known.count()),
              milliseconds(load.tally().longest_pause));
  cluster.start_nodes();
  cluster.wait_until_caught_up(old_leader);
  std::printf("  %s is back and has caught up\n", old_leader.c_str());
}

void print_table(const Load& load, const Report& report) {
  const Tally tally = load.tally();
  const auto writes = static_cast<double>(tally.acknowledged);
  std::printf("\n  acknowledged          %10zu\n", tally.acknowledged);
  std::printf("  in doubt, repeated    %10zu\n", tally.in_doubt);
  std::printf("  refused               %10zu\n", tally.refused);
  std::printf("  lost                  %10zu\n", report.lost);
  std::printf("  new leader known      %7ld ms\n",
              static_cast<long>(report.new_leader_known.count()));
  std::printf("  time without a leader %7ld ms\n",
              static_cast<long>(report.without_leader.count()));
  std::printf("  writes per second     %10.0f\n", writes / report.seconds_writing);
}

int run(Cluster& cluster, const Options& options) {
  const std::vector<Character> characters = read_data_set(options.data_set);
  if (characters.empty()) {
    std::fprintf(stderr, "no data set at %s (Debian package unicode-data)\n",
                 options.data_set.c_str());
    return 1;
  }
  cluster.start_nodes();
  cluster.bootstrap();
  std::printf("three nodes, one configuration; leader %s\n", cluster.leader().c_str());

  troupe::actors::Client client({.timeout = std::chrono::seconds(10)});
  client.use_cluster(cluster.peers());
  Load load(client, options.in_flight_max);
  Report report;
  first_load(load, characters, report);
  compare(load, report, "comparing");
  for (std::size_t cycle = 0; cycle < options.cycles; ++cycle) {
    second_load(cluster, load, characters, cycle, report);
    compare(load, report, "comparing");
  }
  cluster.stop_nodes();
  cluster.start_nodes();
  std::printf("  all three stopped and restarted; leader %s\n", cluster.leader().c_str());
  compare(load, report, "comparing");
  cluster.stop_nodes();
  print_table(load, report);
  return report.lost == 0 && load.tally().refused == 0 ? 0 : 1;
}

std::string own_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace
}  // namespace demo

// NOLINTNEXTLINE(bugprone-exception-escape): what is thrown before the nodes run ends it, and says
// why.
int main(int argc, char** argv) {
  demo::Options options{.program = demo::own_directory() + "/troupe"};
  CLI::App app("Three Troupe nodes, a real data set, and a leader that is killed");
  app.add_option("--program", options.program, "the troupe program to run")->capture_default_str();
  app.add_option("--data-set", options.data_set, "UnicodeData.txt")->capture_default_str();
  app.add_option("--in-flight", options.in_flight_max, "writes in flight at one time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--cycles", options.cycles, "how often the leader is killed and brought back")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::string directory = std::filesystem::temp_directory_path() / "troupe-demo-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    std::fprintf(stderr, "cannot create %s\n", directory.c_str());
    return 1;
  }
  const troupe::shell::ExitSignals signals;
  try {
    demo::Cluster cluster(options.program, directory);
    signals.leave_after([&cluster, directory] {
      cluster.kill_nodes();
      std::error_code ignored;
      std::filesystem::remove_all(directory, ignored);
      std::printf("\ninterrupted; everything is stopped and cleaned up\n");
      std::fflush(stdout);
    });
    const int result = demo::run(cluster, options);
    cluster.kill_nodes();
    std::filesystem::remove_all(directory);
    return result;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s; the nodes' logs are in %s\n", error.what(), directory.c_str());
    return 1;
  }
}
