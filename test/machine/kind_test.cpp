#include "machine/kind.hpp"

#include "machine/words.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::machine;

namespace {

Kind kind_called(std::string name) {
  return {.name = std::move(name),
          .help = {},
          .make = [] { return std::unique_ptr<Resource>(); },
          .valid_command = [](View) { return true; },
          .valid_query = [](View) { return true; },
          .parse_command = [](const Words&) { return Result<std::string>(Refusal::invalid); },
          .parse_query = [](const Words&) { return Result<std::string>(Refusal::invalid); },
          .show_command = [](View) { return std::string(); },
          .show_reply = [](View, std::string_view) { return std::string(); }};
}

}  // namespace

TEST_CASE("kinds are found by their names") {
  const Kinds both = kinds({kind_called("queue"), kind_called("map")});

  CHECK(both.size() == 2);
  CHECK(both.at("map").name == "map");
  CHECK(both.at("queue").name == "queue");
}

TEST_CASE("words are shown as they can be typed") {
  CHECK(joined({}) == "");
  CHECK(joined({"set", "foo", "bar"}) == "set foo bar");
  CHECK(joined({"set", "peer1@127.0.0.1:4001", "a,b"}) == "set peer1@127.0.0.1:4001 a,b");
  CHECK(joined({"set", "two words", ""}) == "set 'two words' ''");
  CHECK(joined({"it's"}) == "'it'\\''s'");
  CHECK(joined({"a;b", "#c", "d\ne"}) == "'a;b' '#c' 'd\ne'");
}
