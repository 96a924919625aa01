// What libFuzzer calls. One program has all targets: `troupe_fuzz --target=NAME [option of
// libFuzzer...] [CORPUS...]`; `--list` names them, `--write-seeds=DIR` writes the seeds of the
// target.

#include "test/fuzz/target.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

using namespace troupe::fuzz;

namespace {

const Target* target = nullptr;

/// What stands behind `--NAME=`; empty if it does not.
std::string_view value_of(std::string_view argument, std::string_view name) {
  return argument.starts_with(name) ? argument.substr(name.size()) : std::string_view{};
}

void list() {
  for (const Target& each : targets())
    std::cout << each.name << "\t" << each.input_bytes_max << "\t" << each.summary << "\n";
}

void write_seeds(const std::filesystem::path& directory) {
  int number = 0;
  for (const std::string& seed : target->seeds())
    std::ofstream(directory / ("seed-" + std::to_string(++number)), std::ios::binary) << seed;
}

[[noreturn]] void give_up(std::string_view why) {
  std::cerr << "troupe_fuzz: " << why << "\n";
  std::exit(2);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  std::string_view seeds;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (argument == "--list") {
      list();
      std::exit(0);
    }
    if (const auto name = value_of(argument, "--target="); !name.empty())
      target = find_target(name);
    if (const auto directory = value_of(argument, "--write-seeds="); !directory.empty())
      seeds = directory;
  }
  if (target == nullptr)
    give_up("--target=NAME is missing, or names none; --list tells them");
  if (!seeds.empty()) {
    write_seeds(seeds);
    std::exit(0);
  }
  return 0;
}

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const Problem problem = target->run({data, size})) {
    std::cerr << "problem: " << *problem << std::endl;
    std::abort();
  }
  return 0;
}
