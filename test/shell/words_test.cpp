#include "machine/words.hpp"

#include "shell/words.hpp"

#include <doctest/doctest.h>

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
  for (const char* text : {"a 'b", "a \"b", "a b\\", "a; b; 'c", "\"a\\\""}) {
    CAPTURE(text);
    const Result<Commands> commands = split(text);
    CHECK(commands.refusal() == Refusal::invalid);
    CHECK_FALSE(commands.detail().empty());
  }
}

TEST_CASE("words that are shown can be typed again") {
  const Words words{"set", "two words", "", "it's", "a;b", "#c", "d\ne\tf", "\\", "\"", "ü", "$x"};

  CHECK(commands_of(machine::joined(words)) == Commands{words});
}
