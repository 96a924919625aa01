#include "machine/kind.hpp"

#include "machine/kind_problem.hpp"
#include "machine/printable.hpp"
#include "machine/words.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::machine;

namespace {

/// The smallest resource there is.
class Nothing : public Resource {
public:
  Reply apply(const Command&) override { return {}; }
  Reply query(View) const override { return {}; }
  std::string save() const override { return {}; }
  bool load(View) override { return true; }
};

Kind kind_called(std::string name) {
  return {
      .name = std::move(name),
      .make = []() -> std::unique_ptr<Resource> { return std::make_unique<Nothing>(); },
      .valid_command = [](View) { return true; },
      .valid_query = [](View) { return true; },
      .text =
          KindText{
              .help = {},
              .parse_command = [](const Words&) { return Result<std::string>(Refusal::invalid); },
              .parse_query = [](const Words&) { return Result<std::string>(Refusal::invalid); },
              .show_command = [](View) { return std::string(); },
              .show_reply = [](View, std::string_view) { return std::string(); }}};
}

}  // namespace

TEST_CASE("kinds are found by their names") {
  const Kinds both = kinds({kind_called("queue"), kind_called("map")});

  CHECK(both.size() == 2);
  CHECK(both.at("map").name == "map");
  CHECK(both.at("queue").name == "queue");
}

TEST_CASE("a kind that lacks functions is named, with all that it lacks") {
  Kind kind = kind_called("queue");
  CHECK(problem(kind) == "");
  CHECK(problem(kinds({kind, kind_called("map")})) == "");

  kind.text->show_reply = nullptr;
  CHECK(problem(kind) == "the kind 'queue' lacks show_reply");
  kind.make = nullptr;
  CHECK(problem(kind) == "the kind 'queue' lacks make, show_reply");
  CHECK(problem(kinds({kind_called("map"), kind})) == "the kind 'queue' lacks make, show_reply");
  CHECK(problem(kinds({Kind{}})) == "a kind of resource has no name");
  CHECK(problem(Kind{.name = "x"}) == "the kind 'x' lacks make, valid_command, valid_query");
  CHECK(problem(Kind{.name = "x", .text = KindText{}})
        == "the kind 'x' lacks make, valid_command, valid_query, parse_command, parse_query, "
           "show_command, show_reply");
}

TEST_CASE("a kind for programs alone needs no words, and makes what the program gives it") {
  const auto made = std::make_shared<int>(0);
  Kind kind = kind_called("queue");
  kind.text.reset();
  kind.make = [made]() -> std::unique_ptr<Resource> {
    ++*made;
    return std::make_unique<Nothing>();
  };

  CHECK(problem(kind) == "");
  CHECK(*made == 1);
}

TEST_CASE("a kind that makes no resource is named") {
  Kind kind = kind_called("queue");
  kind.make = [] { return std::unique_ptr<Resource>(); };

  CHECK(problem(kind) == "the kind 'queue' makes no resource: its function make gives null");
}

TEST_CASE("two kinds of one name are noticed, and so is one under another's name") {
  const Kind queue = kind_called("queue");

  CHECK(problem(kinds({queue, kind_called("map"), queue}))
        == "two kinds of resources are called 'queue'");
  CHECK(problem(Kinds{{"map", queue}}) == "the kind 'queue' is known by another name: 'map'");
}

TEST_CASE("words are shown as they can be typed") {
  CHECK(joined({}) == "");
  CHECK(joined({"set", "foo", "bar"}) == "set foo bar");
  CHECK(joined({"set", "peer1@127.0.0.1:4001", "a,b"}) == "set peer1@127.0.0.1:4001 a,b");
  CHECK(joined({"set", "two words", ""}) == "set 'two words' ''");
  CHECK(joined({"it's"}) == "'it'\\''s'");
  CHECK(joined({"a;b", "#c", "d\ne"}) == "'a;b' '#c' $'d\\ne'");
}

TEST_CASE("text is UTF-8, in its shortest form and without halves of surrogates") {
  for (const std::string_view text : {"", "a", "größer", "\u20ac", "\U0001f600", "\x01\x7f"})
    CHECK(is_text(text));
  for (const std::string_view bytes :
       {"\xff", "\xfe", "\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xe2\x82", "\xe2\x82z"})
    CHECK_FALSE(is_text(bytes));
}

TEST_CASE("what would control a terminal is not printable") {
  CHECK(is_printable("größer \u20ac \U0001f600 'x'"));
  for (const std::string_view bytes :
       {"\n", "\x1b", "\x7f", "\u009b", "\u0080", "\u2028", "\u202e", "\u2066", "\ufeff", "\xff"}) {
    CHECK_FALSE(is_printable(bytes));
    CHECK(is_printable(escaped(bytes)));
  }
  CHECK(escaped("a'\\\n\xff\u009b\u20ac") == "$'a\\'\\\\\\n\\xff\\xc2\\x9b\u20ac'");
}
