#include "shell/input.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

using namespace troupe::shell;

namespace {

/// A file that holds `text`, to be read from its start.
class Holding {
public:
  explicit Holding(const std::string& text) : file_(std::tmpfile()) {
    REQUIRE(file_ != nullptr);
    REQUIRE(std::fwrite(text.data(), 1, text.size(), file_) == text.size());
    std::rewind(file_);
  }
  ~Holding() { std::fclose(file_); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

  int descriptor() const { return fileno(file_); }

private:
  std::FILE* file_;
};

std::vector<std::string> lines_of(const std::string& text) {
  const Holding file(text);
  Signals signals(Hangup::ends);
  LineReader reader(file.descriptor(), signals, [] { return true; });
  std::vector<std::string> lines;
  for (Line line = reader.next(); line.kind != Line::Kind::end; line = reader.next())
    lines.push_back(line.text + (line.kind == Line::Kind::part ? "..." : ""));
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines are read to the end of the input, which need not end the last one") {
  CHECK(lines_of("a\n\nb c\n") == Lines{"a", "", "b c"});
  CHECK(lines_of("a\nb") == Lines{"a", "b"});
  CHECK(lines_of("") == Lines{});
}

TEST_CASE("a line that is too long for one piece comes in several") {
  const std::string longest(part_bytes_max, 'x');

  CHECK(lines_of(longest + "y\nb\n") == Lines{longest + "...", "y", "b"});
  CHECK(lines_of(longest + longest + "\nb") == Lines{longest + "...", longest, "b"});
  CHECK(lines_of(longest + "\nb\n") == Lines{longest, "b"});
  CHECK(lines_of(longest + longest) == Lines{longest + "...", longest});
}

TEST_CASE("the input ends when the shell may not go on") {
  const Holding file("a\nb\n");
  Signals signals(Hangup::ends);
  LineReader reader(file.descriptor(), signals, [] { return false; });

  CHECK(reader.next().kind == Line::Kind::end);
}
