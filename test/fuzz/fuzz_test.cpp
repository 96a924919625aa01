#include "core/random.hpp"
#include "test/fuzz/target.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::fuzz;

// What a fuzzer does, without one: every compiler and every run replays what was once found, and
// changes what is known at random.

namespace {

namespace fs = std::filesystem;

/// Files in test/fuzz/corpus/<target>: inputs that once found something.
std::vector<std::string> corpus(const Target& target) {
  const fs::path folder = fs::path(SOURCE_DIR) / "test" / "fuzz" / "corpus" / target.name;
  std::vector<std::string> all;
  if (!fs::exists(folder))
    return all;
  for (const auto& file : fs::directory_iterator(folder)) {
    std::ifstream in(file.path(), std::ios::binary);
    all.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::string changed(std::string input, const std::string& other, Random& random) {
  for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
    const std::size_t at = random.below(input.size() + 1);
    switch (random.below(5)) {
      case 0:
        if (at < input.size())
          input[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        if (at < input.size())
          input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
        break;
      case 2:
        input.insert(at, 1 + random.below(4), static_cast<char>(random.below(256)));
        break;
      case 3:
        input.erase(at, 1 + random.below(8));
        break;
      default:
        input = input.substr(0, at) + other.substr(random.below(other.size() + 1));
    }
  }
  return input;
}

struct Found {
  std::string input{};
  Problem problem{};
};

/// The first finding among `count` changes of what is known; what got through is changed further.
Found search(const Target& target, std::uint64_t count) {
  Random random(1);
  std::vector<std::string> known = target.seeds();
  const std::vector<std::string> regressions = corpus(target);
  known.insert(known.end(), regressions.begin(), regressions.end());
  const std::size_t kept = known.size();
  known.resize(kept + 16, known.front());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t most = random.below(4) == 0 ? known.size() : kept;
    std::string input =
        changed(known[random.below(most)], known[random.below(known.size())], random);
    if (Problem problem = target.run(bytes(input)))
      return {.input = std::move(input), .problem = std::move(problem)};
    known[kept + random.below(16)] = std::move(input);
  }
  return {};
}

std::string as_hex(const std::string& input) {
  std::string out;
  for (const char c : input) {
    const auto byte = static_cast<unsigned char>(c);
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("seeds, and inputs that once found something, find nothing") {
  for (const Target& target : targets()) {
    std::vector<std::string> inputs = target.seeds();
    const std::vector<std::string> regressions = corpus(target);
    inputs.insert(inputs.end(), regressions.begin(), regressions.end());
    CHECK(!inputs.empty());
    for (const std::string& input : inputs)
      CHECK_MESSAGE(target.run(bytes(input)).value_or("") == "",
                    target.name << " " << as_hex(input));
  }
}

TEST_CASE("random changes of known inputs find nothing") {
  for (const Target& target : targets()) {
    if (target.name == "canary")
      continue;
    const Found found = search(target, target.name == "store" ? 40 : 4000);
    CHECK_MESSAGE(!found.problem,
                  target.name << ": " << found.problem.value_or("") << " " << as_hex(found.input));
  }
}

TEST_CASE("random changes find a mistake that was planted") {
  const Found found = search(*find_target("canary"), 2'000'000);

  CHECK(found.problem == "the canary was found");
}
