#include "resources/kv_store/kv_store.hpp"

#include "core/random.hpp"
#include "machine/replicated_state.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::machine;
using namespace troupe::resources;

namespace {

/// A store, and an index for each command.
struct Replica {
  KvStore store{};
  Index last{};

  Reply write(const std::string& command) {
    last = next(last);
    return store.apply({.index = last, .bytes = bytes(command)});
  }
  Reply read(const std::string& question) const { return store.query(bytes(question)); }
};

std::string saved(const KvStore& store) {
  return store.save();
}

}  // namespace

TEST_CASE("a value is read under the key that it was set for") {
  Replica replica;

  CHECK(replica.write(kv_store::set("foo", "bar")) == Reply::ok());
  CHECK(replica.read(kv_store::get("foo")) == Reply::ok("bar"));
  CHECK(replica.read(kv_store::get("baz")) == Reply::refused("key_not_found"));

  CHECK(replica.write(kv_store::set("foo", "other")) == Reply::ok());
  CHECK(replica.read(kv_store::get("foo")) == Reply::ok("other"));
}

TEST_CASE("a deleted key is not found, and can't be deleted again") {
  Replica replica;
  replica.write(kv_store::set("foo", "bar"));

  CHECK(replica.write(kv_store::erase("foo")) == Reply::ok());

  CHECK(replica.read(kv_store::get("foo")) == Reply::refused("key_not_found"));
  CHECK(replica.write(kv_store::erase("foo")) == Reply::refused("key_not_found"));
}

TEST_CASE("keys and values are any bytes") {
  Replica replica;
  const std::string odd("a\0b\xff\n", 5);

  CHECK(replica.write(kv_store::set(odd, odd)) == Reply::ok());
  CHECK(replica.read(kv_store::get(odd)) == Reply::ok(odd));
  CHECK(replica.write(kv_store::set("", "")) == Reply::ok());
  CHECK(replica.read(kv_store::get("")) == Reply::ok(""));
}

TEST_CASE("keys are listed in the order of their bytes, by their beginnings") {
  Replica replica;
  for (const char* key : {"b", "user:2", "user:10", "a", "user;", "user:1"})
    replica.write(kv_store::set(key, "x"));
  const auto keys = [&](const std::string& question) {
    const auto page = kv_store::read_page(replica.read(question).value);
    REQUIRE(page);
    CHECK_FALSE(page->more);
    return page->keys;
  };
  using Keys = std::vector<std::string>;

  CHECK(keys(kv_store::list("")) == Keys{"a", "b", "user:1", "user:10", "user:2", "user;"});
  CHECK(keys(kv_store::list("user:")) == Keys{"user:1", "user:10", "user:2"});
  CHECK(keys(kv_store::list("user:", "user:1")) == Keys{"user:10", "user:2"});
  CHECK(keys(kv_store::list("user:", "a")) == Keys{"user:1", "user:10", "user:2"});
  CHECK(keys(kv_store::list("user:", "zebra")).empty());
  CHECK(keys(kv_store::list("nobody")).empty());
}

TEST_CASE("a list comes in pages that are bounded, and together hold each key once") {
  Replica replica;
  for (std::size_t i = 0; i < 2 * kv_store::page_keys_max + 1; ++i)
    replica.write(kv_store::set("k" + std::to_string(100000 + i), "x"));
  const std::string large(kv_store::page_bytes_max / 2 - 8, 'l');
  for (const char* end : {"1", "2", "3"})
    replica.write(kv_store::set(large + end, "x"));
  replica.write(kv_store::set(std::string(2 * kv_store::page_bytes_max, 'm'), "x"));

  std::vector<std::size_t> sizes;
  std::vector<std::string> all;
  std::optional<std::string> after;
  for (bool more = true; more;) {
    const auto page = kv_store::read_page(replica.read(kv_store::list("", after)).value);
    REQUIRE(page);
    REQUIRE_FALSE(page->keys.empty());
    sizes.push_back(page->keys.size());
    all.insert(all.end(), page->keys.begin(), page->keys.end());
    after = page->keys.back();
    more = page->more;
  }

  // Two large ones fill a page; the largest is more than one, and alone.
  CHECK(sizes == std::vector<std::size_t>{1000, 1000, 3, 1, 1});
  CHECK(all.size() == 2 * kv_store::page_keys_max + 5);
  CHECK(std::is_sorted(all.begin(), all.end()));
}

TEST_CASE("people see the keys as they can type them, and how to see more") {
  Replica replica;
  for (std::size_t i = 0; i < kv_store::page_keys_max; ++i)
    replica.write(kv_store::set("a" + std::to_string(1000 + i), "x"));
  replica.write(kv_store::set("b two", "x"));
  replica.write(kv_store::set("(more: none)", "x"));
  const Kind kind = kv_store_kind();
  const auto shown = [&](const Words& words) {
    const Result<std::string> asked = kind.text->parse_query(words);
    REQUIRE(asked);
    REQUIRE(kind.valid_query(bytes(*asked)));
    return kind.text->show_reply(bytes(*asked), replica.read(*asked).value);
  };

  const auto shows_words = [&](const Words& words) {
    return kind.text->shows_words(bytes(*kind.text->parse_query(words)));
  };
  CHECK(shows_words({"list", "b"}));
  CHECK_FALSE(shows_words({"get", "b two"}));
  CHECK_FALSE(kind.text->shows_words(bytes(*kind.text->parse_command({"set", "b", "two"}))));
  CHECK(shown({"list", "b"}) == "'b two'");
  CHECK(shown({"list", "("}) == "'(more: none)'");
  CHECK(shown({"list", "nothing"}).empty());
  CHECK(shown({"list"}).ends_with(" a1998 (more: list '' a1998)"));
  CHECK(shown({"list", "", "a1998"}) == "a1999 'b two'");
}

TEST_CASE("stores with the same values, set by the same entries, save the same bytes") {
  Replica one, other;
  one.write(kv_store::set("c", "3"));
  one.write(kv_store::set("b", "wrong"));
  other.write(kv_store::set("b", "wrong"));
  other.write(kv_store::set("c", "3"));
  for (Replica* replica : {&one, &other}) {
    replica->write(kv_store::set("b", "2"));
    replica->write(kv_store::set("a", "1"));
    replica->write(kv_store::erase("c"));
  }

  CHECK(saved(one.store) == saved(other.store));
}

TEST_CASE("a store becomes what another saved") {
  Replica one, other;
  one.write(kv_store::set("a", "1"));
  one.write(kv_store::set("b", ""));
  other.write(kv_store::set("c", "3"));

  REQUIRE(other.store.load(bytes(saved(one.store))));

  CHECK(saved(other.store) == saved(one.store));
  CHECK(other.read(kv_store::get("a")) == Reply::ok("1"));
  CHECK(other.read(kv_store::get("c")) == Reply::refused("key_not_found"));
}

TEST_CASE("a format that was saved once can be loaded for ever") {
  const std::string version_1(
      "\x01"
      "\x02\0\0\0\0\0\0\0"
      "\x01\0\0\0a\x07\0\0\0\0\0\0\0\x02\0\0\0xy"
      "\x01\0\0\0b\x09\0\0\0\0\0\0\0\0\0\0\0",
      1 + 8 + 19 + 17);
  Replica replica;

  REQUIRE(replica.store.load(bytes(version_1)));

  CHECK(replica.read(kv_store::get("a")) == Reply::ok("xy"));
  CHECK(replica.read(kv_store::get("b")) == Reply::ok(""));
  CHECK(saved(replica.store) == version_1);
}

TEST_CASE("saved bytes that were cut, extended or changed in order are refused as a whole") {
  Replica replica;
  replica.write(kv_store::set("a", "1"));
  replica.write(kv_store::set("b", "2"));
  const std::string whole = saved(replica.store);

  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(replica.store.load(bytes(std::string_view(whole).substr(0, size))));
    CHECK(replica.read(kv_store::get("a")) == Reply::refused("key_not_found"));
  }
  CHECK_FALSE(replica.store.load(bytes(whole + '\0')));

  std::string repeated = whole;
  repeated[whole.find('b')] = 'a';
  CHECK_FALSE(replica.store.load(bytes(repeated)));

  std::string of_the_future = whole;
  of_the_future[0] = 2;
  CHECK_FALSE(replica.store.load(bytes(of_the_future)));

  std::string endless = whole;
  endless[8] = '\x7f';
  CHECK_FALSE(replica.store.load(bytes(endless)));
}

TEST_CASE("only commands are valid commands, and only queries valid queries") {
  const Kind kind = kv_store_kind();

  CHECK(kind.valid_command(bytes(kv_store::set("foo", "bar"))));
  CHECK(kind.valid_command(bytes(kv_store::erase("foo"))));
  CHECK_FALSE(kind.valid_command(bytes(kv_store::get("foo"))));
  CHECK(kind.valid_query(bytes(kv_store::get("foo"))));
  CHECK_FALSE(kind.valid_query(bytes(kv_store::set("foo", "bar"))));
  CHECK_FALSE(kind.valid_command(bytes("")));
  CHECK_FALSE(kind.valid_query(bytes("nonsense that is long enough to hold a table")));
}

TEST_CASE("bytes that are not a command are refused and change nothing") {
  Replica replica;
  replica.write(kv_store::set("foo", "bar"));
  const std::string before = saved(replica.store);

  CHECK(replica.write("") == Reply::refused("invalid"));
  CHECK(replica.write("nonsense that is long enough to hold a table") == Reply::refused("invalid"));
  CHECK(replica.write(kv_store::get("foo")) == Reply::refused("invalid"));
  CHECK(replica.read(kv_store::set("foo", "other")) == Reply::refused("invalid"));

  CHECK(saved(replica.store) == before);
}

TEST_CASE("a command with any one byte changed is a command or refused, never a crash") {
  const std::string whole = kv_store::set("foo", "bar");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = whole;
      changed[i] = static_cast<char>(value);
      Replica replica;
      const Reply reply = replica.write(changed);
      CHECK(kv_store_kind().valid_command(bytes(changed)) == (reply.error != "invalid"));
    }
  }
}

TEST_CASE("a command is the same command wherever it lies in memory") {
  const std::string command = kv_store::set("foo", "bar");
  for (std::size_t shift = 0; shift < 8; ++shift) {
    CAPTURE(shift);
    const std::string shifted = std::string(shift, 'x') + command;
    KvStore store;
    CHECK(store.apply({.index = {1}, .bytes = bytes(std::string_view(shifted).substr(shift))})
          == Reply::ok());
  }
}

TEST_CASE("people write commands as words and see what they were about") {
  const Kind kind = kv_store_kind();

  const Result<std::string> set = kind.text->parse_command({"set", "foo", "two words"});
  REQUIRE(set);
  CHECK(*set == kv_store::set("foo", "two words"));
  CHECK(kind.text->show_command(bytes(*set)) == "set foo 'two words'");
  CHECK(kind.text->show_reply(bytes(*set), "") == "foo two words");

  const Result<std::string> erased = kind.text->parse_command({"delete", "foo"});
  REQUIRE(erased);
  CHECK(kind.text->show_command(bytes(*erased)) == "delete foo");
  CHECK(kind.text->show_reply(bytes(*erased), "") == "foo");

  const Result<std::string> get = kind.text->parse_query({"get", "foo"});
  REQUIRE(get);
  CHECK(kind.text->show_reply(bytes(*get), "bar") == "bar");
}

TEST_CASE("what is not a command or query is answered with the usage") {
  const Kind kind = kv_store_kind();

  for (const Words& words :
       {Words{}, Words{"set"}, Words{"set", "a", "b", "c"}, Words{"get", "a"}}) {
    const Result<std::string> parsed = kind.text->parse_command(words);
    CHECK(parsed.refusal() == Refusal::invalid);
    CHECK(parsed.detail() == "set KEY VALUE | delete KEY");
  }
  const Result<std::string> parsed = kind.text->parse_query({"set", "a", "b"});
  CHECK(parsed.refusal() == Refusal::invalid);
  CHECK(parsed.detail() == "get KEY | list [PREFIX [AFTER]]");
}

TEST_CASE("a value that takes the place of another releases what set that one") {
  Replica replica;

  CHECK(replica.write(kv_store::set("a", "1")).released.empty());
  CHECK(replica.write(kv_store::set("b", "1")).released.empty());
  CHECK(replica.write(kv_store::set("a", "1")).released == std::vector<Index>{{1}});
  CHECK(replica.write(kv_store::set("a", "3")).released == std::vector<Index>{{3}});
}

TEST_CASE("a delete releases what set the value, and itself") {
  Replica replica;
  replica.write(kv_store::set("a", "1"));
  replica.write(kv_store::set("a", "2"));

  CHECK(replica.write(kv_store::erase("a")).released == std::vector<Index>{{2}, {3}});
  CHECK(replica.write(kv_store::set("a", "3")).released.empty());
}

TEST_CASE("what set a value is released from a state that was loaded, too") {
  Replica replica;
  replica.write(kv_store::set("a", "1"));
  Replica other{.last = {7}};
  REQUIRE(other.store.load(bytes(saved(replica.store))));

  CHECK(other.write(kv_store::set("a", "2")).released == std::vector<Index>{{1}});
}

TEST_CASE("any commands without those that were released lead to the same state") {
  constexpr std::uint64_t commands_max = 400;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Replica replica;
    std::map<Index, std::string> log;
    for (std::uint64_t i = 1; i <= commands_max; ++i) {
      const std::string key(1, static_cast<char>('a' + random.below(6)));
      const bool deletes = random.below(3) == 0;
      const std::string command =
          deletes ? kv_store::erase(key) : kv_store::set(key, std::to_string(i));
      log[{i}] = command;
      Reply reply = replica.write(command);
      if (!reply.error.empty())
        reply.released = {replica.last};
      for (const Index released : reply.released)
        CHECK(log.erase(released) == 1);
      if (i % 20 != 0)
        continue;
      Replica other;
      for (const auto& [index, kept] : log) {
        other.last = prev(index);
        CHECK(other.write(kept).released.empty());
      }
      CHECK(saved(other.store) == saved(replica.store));
    }
    CHECK(log.size() <= 6);
  }
}
