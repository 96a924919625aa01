#include "machine/words.hpp"

#include "machine/printable.hpp"
#include "shell/words.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace troupe;
using namespace troupe::shell;

namespace {

using Commands = std::vector<Words>;

Commands commands_of(std::string_view text) {
  const Result<Commands> commands = split(text);
  REQUIRE_MESSAGE(commands, commands.detail());
  return *commands;
}

}  // namespace

TEST_CASE("words are what stands between blanks") {
  CHECK(commands_of("write peer1 set foo bar")
        == Commands{{"write", "peer1", "set", "foo", "bar"}});
  CHECK(commands_of("  leader \t peer1\r\n") == Commands{{"leader", "peer1"}});
}

TEST_CASE("commands end at semicolons and newlines, and empty ones are nothing") {
  CHECK(commands_of("a; b c\nd;;\n ;") == Commands{{"a"}, {"b", "c"}, {"d"}});
  CHECK(commands_of("").empty());
  CHECK(commands_of(" ; \n").empty());
}

TEST_CASE("a comment reaches from the start of a word to the end of the line") {
  CHECK(commands_of("# a; b 'c\na # d").size() == 1);
  CHECK(commands_of("a#b '#' \\#") == Commands{{"a#b", "#", "#"}});
}

TEST_CASE("quotes and backslashes mean what they mean to a shell") {
  CHECK(commands_of("'two words' \"two words\" two\\ words")
        == Commands{{"two words", "two words", "two words"}});
  CHECK(commands_of("'' \"\"") == Commands{{"", ""}});
  CHECK(commands_of("a'b'\"c\"d") == Commands{{"abcd"}});
  CHECK(commands_of("'a\\b;c#\nd'") == Commands{{"a\\b;c#\nd"}});
  CHECK(commands_of(R"("a\"b\\c\$d\`e\f")") == Commands{{"a\"b\\c$d`e\\f"}});
  CHECK(commands_of("a\\;b \\'") == Commands{{"a;b", "'"}});
}

TEST_CASE("a line whose quotes do not match is none") {
  const std::pair<const char*, const char*> problems[] = {
      {"a 'b", "the ' in line 1 is not closed"},
      {"a \"b", "the \" in line 1 is not closed"},
      {"a b\\", "nothing follows the last \\ in line 1"},
      {"a; b\n 'c\nd", "the ' in line 2 is not closed"},
      {"\"a\\\"", "the \" in line 1 is not closed"},
      {"\n\n$'a\\x", "the $' in line 3 is not closed"},
  };
  for (const auto& [text, problem] : problems) {
    CAPTURE(text);
    const Result<Commands> commands = split(text);
    CHECK(commands.refusal() == Refusal::invalid);
    CHECK(commands.detail() == problem);
  }
}

TEST_CASE("a backslash joins a line to the next, but not in single quotes") {
  CHECK(commands_of("a\\\nb c\\\n d") == Commands{{"ab", "c", "d"}});
  CHECK(commands_of("\"a\\\nb\"") == Commands{{"ab"}});
  CHECK(commands_of("'a\\\nb'") == Commands{{"a\\\nb"}});
}

TEST_CASE("a quote behind a dollar sign holds any bytes") {
  CHECK(commands_of("$'a b' x$'c'y") == Commands{{"a b", "xcy"}});
  CHECK(commands_of(R"($'\n\t\r\a\e\\\'\"')") == Commands{{"\n\t\r\a\x1b\\'\""}});
  CHECK(commands_of(R"($'\xff\xFe\x7z\101\7')") == Commands{{"\xff\xfe\x07zA\x07"}});
  CHECK(commands_of(R"($'\x0011\q')") == Commands{{std::string("\0", 1) + "11\\q"}});
  CHECK(commands_of("a$ $x \"$'\" '$' $\"x\" $") == Commands{{"a$", "$x", "$'", "$", "$x", "$"}});
}

TEST_CASE("lines are split as they come, and one belongs to the other while a quote is open") {
  Splitter lines;
  const auto take = [&] {
    CHECK_FALSE(lines.is_open());
    return *lines.take();
  };
  lines.add("write p set k 'one\n");
  CHECK(lines.is_open());
  lines.add("stop_peer p\n");
  CHECK(lines.is_open());
  lines.add("three'\n");
  CHECK(take() == Commands{{"write", "p", "set", "k", "one\nstop_peer p\nthree"}});

  lines.add("a b\\\n");
  CHECK(lines.is_open());
  lines.add("\n");
  CHECK(take() == Commands{{"a", "b"}});
  lines.add("# it's\n");
  CHECK(take().empty());

  lines.add("a\nb 'c\n");
  lines.add("d");
  CHECK(lines.is_open());
  CHECK(lines.take().detail() == "the ' in line 8 is not closed");
  lines.add("e");
  CHECK(take() == Commands{{"e"}});
}

TEST_CASE("text that is too large is followed to its end, and nothing of it is executed") {
  Splitter lines;
  const std::string half(commands_bytes_max / 2 + 1, 'x');
  lines.add("a; write p set k '" + half + "\n");
  lines.add(half + "\n");
  CHECK(lines.is_open());
  lines.add("stop_peer p\n'; stop_peer q\n");
  CHECK_FALSE(lines.is_open());
  CHECK(lines.take().refusal() == Refusal::too_large);
  lines.add("b\n");
  CHECK(*lines.take() == Commands{{"b"}});
}

TEST_CASE("words that are shown can be typed again") {
  const Words words{"set", "two words", "", "it's", "a;b", "#c", "d\ne\tf", "\\", "\"", "ü", "$x"};

  CHECK(commands_of(machine::joined(words)) == Commands{words});
}

TEST_CASE("any bytes that are shown can be typed again") {
  std::mt19937_64 random(1);
  const std::string_view hard =
      "\x07\\x07'\"$';# \n\r\t\x1b\x7f\xc2\x9b\xff\xfe\xe2\x80\xae\xef\xbb\xbf";
  for (int i = 0; i < 20000; ++i) {
    Words words(1 + random() % 3);
    for (std::string& word : words)
      for (std::size_t left = random() % 8; left > 0; --left)
        word += random() % 2 == 0 ? hard[random() % hard.size()] : static_cast<char>(random());
    const std::string line = machine::joined(words);
    CAPTURE(line);
    REQUIRE(commands_of(line) == Commands{words});
    REQUIRE(machine::is_printable(line));
  }
}
