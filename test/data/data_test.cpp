#include "test/data/stage.hpp"
#include "test/data/story.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace troupe::test {

namespace {

std::vector<std::filesystem::path> stories() {
  std::vector<std::filesystem::path> found;
  for (const auto& file : std::filesystem::directory_iterator(SOURCE_DIR "/test/data"))
    if (file.path().extension() == ".txt")
      found.push_back(file.path());
  std::ranges::sort(found);
  return found;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("every story is told as it is written") {
  const bool rewrite = std::getenv("REWRITE") != nullptr;
  REQUIRE(!stories().empty());
  for (const auto& path : stories()) {
    const std::string file = path.filename().string();
    CAPTURE(file);
    const std::string expected = content(path);
    Stage stage;

    const std::string told = retell(expected, [&](const Line& line) { return stage.run(line); });

    if (rewrite && told != expected)
      std::ofstream(path) << told;
    else
      CHECK(first_difference(expected, told) == "");
  }
}

TEST_CASE("every story begins with why it is told, and names its section") {
  for (const auto& path : stories()) {
    const std::string file = path.filename().string();
    CAPTURE(file);
    const std::string text = content(path);
    CHECK(text.starts_with("# "));
    const std::string head = text.substr(0, text.find("\n\n"));
    CHECK(head.find("§") != std::string::npos);
    // An error or a violation is never what a story is about.
    CHECK(text.find("\nerror") == std::string::npos);
    CHECK(text.find("VIOLATION") == std::string::npos);
  }
}

TEST_CASE("a story's answer that is missing is told, and a comment is kept") {
  const std::string told =
      retell("# why\n\nverb word key=value # aside\n----\nold\n\nlast\n", [](const Line& line) {
        return line.verb + "," + std::to_string(line.words.size()) + ","
               + std::to_string(line.options.size());
      });

  CHECK(told == "# why\n\nverb word key=value # aside\n----\nverb,1,1\n\nlast\n----\nlast,0,0\n");
}

}  // namespace troupe::test
