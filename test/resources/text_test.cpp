#include "resources/text/text.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::machine;
using namespace troupe::resources;

namespace {

/// Keeps the last words that it was given.
class Last : public TextResource {
public:
  Reply write(const Words& words) override {
    last_ = words.back();
    return Reply::ok(std::to_string(words.size()));
  }
  Reply read(const Words& words) const override {
    return words[0] == "get" ? Reply::ok(last_) : Reply::refused("unknown_query");
  }
  std::string save_text() const override { return last_; }
  bool load_text(const std::string& saved) override {
    last_ = saved;
    return true;
  }

private:
  std::string last_{};
};

}  // namespace

TEST_CASE("a text resource is given the words of its commands and queries") {
  const Kind kind = text_kind<Last>("last", "WORD...");
  const std::unique_ptr<Resource> resource = kind.make();
  const Result<std::string> command = kind.text->parse_command({"remember", "two words"});
  const Result<std::string> query = kind.text->parse_query({"get"});
  REQUIRE(command);
  REQUIRE(query);

  CHECK(resource->apply({.index = {1}, .bytes = bytes(*command)}) == Reply::ok("2"));
  CHECK(resource->query(bytes(*query)) == Reply::ok("two words"));

  CHECK(kind.text->show_command(bytes(*command)) == "remember 'two words'");
  CHECK(kind.text->show_reply(bytes(*query), "two words") == "two words");
}

TEST_CASE("a text resource becomes what another saved") {
  const Kind kind = text_kind<Last>("last", "WORD...");
  const std::unique_ptr<Resource> one = kind.make();
  const std::unique_ptr<Resource> other = kind.make();
  one->apply({.index = {1}, .bytes = bytes(encode_words({"a"}))});

  REQUIRE(other->load(bytes(one->save())));

  CHECK(other->query(bytes(encode_words({"get"}))) == Reply::ok("a"));
}

TEST_CASE("a text resource never sees bytes that are not words, or no word at all") {
  const Kind kind = text_kind<Last>("last", "WORD...");
  const std::unique_ptr<Resource> resource = kind.make();

  for (const std::string& nonsense :
       {std::string(), std::string("nonsense, and more of it"), encode_words({})}) {
    CHECK_FALSE(kind.valid_command(bytes(nonsense)));
    CHECK_FALSE(kind.valid_query(bytes(nonsense)));
    CHECK(resource->apply({.index = {1}, .bytes = bytes(nonsense)}) == Reply::refused("invalid"));
    CHECK(resource->query(bytes(nonsense)) == Reply::refused("invalid"));
  }
  CHECK(kind.text->parse_command({}).refusal() == Refusal::invalid);
}

TEST_CASE("words come back as they were, whatever bytes they hold") {
  const Words words{"", "two words", std::string("a\0b\xff\n", 5)};

  CHECK(decode_words(bytes(encode_words(words))) == words);
}

TEST_CASE("words with any one byte changed are words or refused, never a crash") {
  const std::string whole = encode_words({"add", "1"});
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[i] = static_cast<char>(value);
      const bool valid = text_kind<Last>("last", "").valid_command(bytes(changed));
      CHECK(decode_words(bytes(changed)).has_value() == valid);
    }
  }
}

TEST_CASE("a number is all of a text and fits") {
  CHECK(number("0") == 0);
  CHECK(number("-17") == -17);
  CHECK(number("9223372036854775807") == INT64_MAX);
  for (const char* text : {"", "-", "+1", "1x", " 1", "0x1", "9223372036854775808"})
    CHECK_FALSE(number(text).has_value());
}
