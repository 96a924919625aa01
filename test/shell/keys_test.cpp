#include "shell/keys.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

using namespace troupe::shell;

namespace {

/// The bytes for the editor, of a terminal that pauses at the end.
std::string typed(std::string_view bytes) {
  Keys keys;
  std::string result;
  for (const char byte : bytes)
    result += keys.add(byte);
  return result + keys.give_up();
}

}  // namespace

TEST_CASE("characters, and characters with Alt, are passed on as they are") {
  CHECK(typed("abc\x01\x7f\tgrößer\xff") == "abc\x01\x7f\tgrößer\xff");
  CHECK(typed("\x1b" "b\x1b" "fx") == "\x1b" "b\x1b" "fx");
  CHECK(typed("\x1b") == "\x1b");
  CHECK(typed("\x1b\x1b[A") == "\x1b[A");
}

TEST_CASE("arrows, words, ends of the line and Delete are what the editor knows") {
  for (const std::string_view key : {"\x1b[A", "\x1bOA", "\x1b[1;5A"})
    CHECK(typed(key) == "\x1b[A");
  for (const std::string_view key : {"\x1b[C", "\x1bOC", "\x1b[1C"})
    CHECK(typed(key) == "\x1b[C");
  for (const std::string_view key : {"\x1b[1;5C", "\x1b[1;3C", "\x1b[1;2C", "\x1b[5C", "\x1bOc"})
    CHECK(typed(key) == "\x1b" "f");
  for (const std::string_view key : {"\x1b[1;5D", "\x1b[1;6D", "\x1bOd"})
    CHECK(typed(key) == "\x1b" "b");
  for (const std::string_view key : {"\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~", "\x1b[1;5H"})
    CHECK(typed(key) == "\x01");
  for (const std::string_view key : {"\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"})
    CHECK(typed(key) == "\x05");
  for (const std::string_view key : {"\x1b[3~", "\x1b[3;5~"})
    CHECK(typed(key) == "\x1b[3~");
}

TEST_CASE("all other keys are nothing, and what follows them is typed") {
  for (const std::string_view key :
       {"\x1b[15~", "\x1b[24~", "\x1b[15;5~", "\x1bOP", "\x1b[[A", "\x1b[[E", "\x1b[2~", "\x1b[5~",
        "\x1b[6~", "\x1b[Z", "\x1b[200~", "\x1b[1;2P", "\x1b[?1;2c", "\x1b[<0;1;2M", "\x1b[27;5;9~",
        "\x1b[97;5u", "\x1bO5P"}) {
    CAPTURE(key);
    CHECK(typed(key).empty());
    CHECK(typed("a" + std::string(key) + "b") == "ab");
  }
  CHECK(typed("\x1b[").empty());
  CHECK(typed("\x1b[1;").empty());
  CHECK(typed("\x1b[1\x1b[15~z") == "z");
}

TEST_CASE("no sequence leaves a part of it behind") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 10000; ++i) {
    std::string sequence = "\x1b[";
    for (std::size_t left = random() % 10; left > 0; --left)
      sequence += static_cast<char>(0x30 + random() % 16);
    sequence += static_cast<char>(0x40 + random() % 0x3f);
    if (sequence == "\x1b[[")
      sequence += 'A';
    const std::string passed = typed(sequence + "x");
    CAPTURE(sequence);
    REQUIRE(passed.ends_with('x'));
    const std::string key = passed.substr(0, passed.size() - 1);
    REQUIRE((key.empty() || key.front() == '\x1b' || key == "\x01" || key == "\x05"));
    REQUIRE(key.size() <= 4);
  }
}
