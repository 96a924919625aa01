#include "test/bench/usage.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace bench {
namespace {

/// The number behind `name` in a file of lines "name: number".
std::uint64_t number_in(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name))
      return std::stoull(line.substr(line.find_first_of("0123456789", name.size())));
  return 0;
}

std::uint64_t switches_of(const std::string& process) {
  std::uint64_t switches = 0;
  std::error_code gone;
  for (auto it = std::filesystem::directory_iterator(process + "/task", gone);
       !gone && it != std::filesystem::directory_iterator(); it.increment(gone)) {
    const std::string status = it->path().string() + "/status";
    switches += number_in(status, "voluntary_ctxt_switches:");
    switches += number_in(status, "nonvoluntary_ctxt_switches:");
  }
  return switches;
}

double cpu_us_of(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
    return 0;
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

}  // namespace

Usage& Usage::operator+=(const Usage& other) {
  cpu_us += other.cpu_us;
  syncs += other.syncs;
  bytes_written += other.bytes_written;
  messages += other.messages;
  switches += other.switches;
  rss_bytes = std::max(rss_bytes, other.rss_bytes);
  return *this;
}

Usage between(const Usage& before, const Usage& after) {
  return {.cpu_us = after.cpu_us - before.cpu_us,
          .syncs = after.syncs - before.syncs,
          .bytes_written = after.bytes_written - before.bytes_written,
          .messages = after.messages - before.messages,
          .switches = after.switches - before.switches,
          .rss_bytes = after.rss_bytes};
}

Usage usage_of(pid_t process, const Counters* counters) {
  const std::string directory = "/proc/" + std::to_string(process);
  Usage usage{.cpu_us = cpu_us_of(process),
              .switches = switches_of(directory),
              .rss_bytes = number_in(directory + "/status", "VmRSS:") * 1024};
  if (counters != nullptr) {
    usage.syncs = counters->syncs;
    usage.messages = counters->messages;
    usage.bytes_written = counters->bytes_written;
  }
  return usage;
}

}  // namespace bench
