#include "machine/replicated_state.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::machine;

namespace {

/// Remembers what it was given, and throws what it is told to.
class Fragile : public Resource {
public:
  Reply apply(const Command& command) override {
    if (text(command.bytes) == "throw")
      throw std::runtime_error("told to");
    if (text(command.bytes) == "throw 1")
      throw 1;
    if (text(command.bytes) == "refuse")
      return {.error = "refused", .value = "and a value that nobody should see", .released = {{1}}};
    if (text(command.bytes) == "release") {
      Reply reply = Reply::ok();
      reply.released = {command.index, {2}, next(command.index), {1}, {2}, {0}};
      return reply;
    }
    seen_ += text(command.bytes);
    return Reply::ok(seen_);
  }
  Reply query(View question) const override {
    if (text(question) == "throw")
      throw std::runtime_error("told to");
    return Reply::ok(seen_);
  }
  std::string save() const override {
    if (seen_ == "cannot be saved")
      throw std::runtime_error("told to");
    return seen_;
  }
  bool load(View saved) override {
    seen_ = text(saved);
    if (seen_ == "cannot be loaded")
      throw std::runtime_error("told to");
    return seen_ != "not such";
  }

private:
  std::string seen_{};
};

ReplicatedState fragile() {
  return ReplicatedState([]() -> std::unique_ptr<Resource> { return std::make_unique<Fragile>(); });
}

std::vector<std::string> pieces_of(ReplicatedState& state) {
  std::vector<std::string> pieces;
  REQUIRE(state.start_save());
  while (state.is_saving()) {
    auto piece = state.next_piece();
    REQUIRE(piece);
    if (!piece->empty())
      pieces.push_back(*std::move(piece));
  }
  return pieces;
}

bool load(ReplicatedState& state, const std::vector<std::string>& pieces, Index index) {
  state.start_load();
  for (const std::string& piece : pieces)
    if (!state.load_piece(bytes(piece)))
      return false;
  return state.end_load(index);
}

}  // namespace

TEST_CASE("a command is answered with what the resource says and counts as applied") {
  ReplicatedState state = fragile();

  CHECK(state.apply({.index = {3}, .bytes = bytes("a")}) == Reply::ok("a"));
  CHECK(state.apply({.index = {4}, .bytes = bytes("b")}) == Reply::ok("ab"));

  CHECK(state.applied() == Index{4});
  CHECK(state.query(bytes("")) == Reply::ok("ab"));
  CHECK(state.resource().save() == "ab");
}

TEST_CASE("a command that throws is a refusal, and the next one is applied as if it had not been") {
  ReplicatedState state = fragile();

  CHECK(state.apply({.index = {1}, .bytes = bytes("throw")}) == Reply::refused("resource_failed"));
  CHECK(state.apply({.index = {2}, .bytes = bytes("throw 1")})
        == Reply::refused("resource_failed"));

  CHECK(state.applied() == Index{2});
  CHECK(state.apply({.index = {3}, .bytes = bytes("a")}) == Reply::ok("a"));
}

TEST_CASE("a query that throws is a refusal") {
  const ReplicatedState state = fragile();

  CHECK(state.query(bytes("throw")) == Reply::refused("resource_failed"));
}

TEST_CASE("a refusal carries no value") {
  ReplicatedState state = fragile();

  CHECK(state.apply({.index = {1}, .bytes = bytes("refuse")}) == Reply::refused("refused"));
}

TEST_CASE("entries that change nothing here are skipped over") {
  ReplicatedState state = fragile();

  state.skip({1});
  state.apply({.index = {2}, .bytes = bytes("a")});
  state.skip({3});

  CHECK(state.applied() == Index{3});
  CHECK(state.query(bytes("")) == Reply::ok("a"));
}

TEST_CASE("a state that is loaded is the one that was saved, and goes on from its index") {
  ReplicatedState one = fragile(), other = fragile();
  one.apply({.index = {7}, .bytes = bytes("a")});
  other.apply({.index = {9}, .bytes = bytes("something else")});

  REQUIRE(load(other, pieces_of(one), one.applied()));

  CHECK(other.applied() == Index{7});
  CHECK(other.apply({.index = {8}, .bytes = bytes("b")}) == Reply::ok("ab"));
}

TEST_CASE("a state that is saved at one go travels in pieces, and is what it was when it began") {
  ReplicatedState one = fragile(), other = fragile();
  const std::string large(2 * saved_piece_bytes_max + 5, 'x');
  one.apply({.index = {1}, .bytes = bytes(large)});

  REQUIRE(one.start_save());
  one.apply({.index = {2}, .bytes = bytes("y")});
  std::vector<std::string> pieces;
  while (one.is_saving())
    pieces.push_back(one.next_piece().value_or("failed"));

  REQUIRE(pieces.size() == 4);
  CHECK(pieces[2].size() == 5);
  CHECK(pieces[3].empty());
  pieces.pop_back();
  REQUIRE(load(other, pieces, {1}));
  CHECK(other.query(bytes("")) == Reply::ok(large));
}

TEST_CASE("an empty state has no pieces, and is loaded from none") {
  ReplicatedState one = fragile(), other = fragile();
  other.apply({.index = {1}, .bytes = bytes("a")});

  CHECK(pieces_of(one).empty());
  REQUIRE(load(other, {}, {5}));

  CHECK(other.applied() == Index{5});
  CHECK(other.query(bytes("")) == Reply::ok(""));
}

TEST_CASE("a load that fails leaves an empty state and says so") {
  for (const char* saved : {"not such", "cannot be loaded"}) {
    CAPTURE(saved);
    ReplicatedState state = fragile();
    state.apply({.index = {3}, .bytes = bytes("a")});

    CHECK_FALSE(load(state, {saved}, {7}));

    CHECK(state.applied() == Index{});
    CHECK(state.query(bytes("")) == Reply::ok(""));
    REQUIRE(load(state, {"sound"}, {8}));
    CHECK(state.query(bytes("")) == Reply::ok("sound"));
  }
}

TEST_CASE("a resource that throws when it is saved goes on") {
  ReplicatedState state = fragile();
  state.apply({.index = {1}, .bytes = bytes("cannot be saved")});

  CHECK_FALSE(state.start_save());

  CHECK_FALSE(state.is_saving());
  CHECK(state.apply({.index = {2}, .bytes = bytes("!")}) == Reply::ok("cannot be saved!"));
}

TEST_CASE("what a command releases comes in order, once each, and is not behind it") {
  ReplicatedState state = fragile();

  const Reply reply = state.apply({.index = {4}, .bytes = bytes("release")});

  CHECK(reply.released == std::vector<Index>{{1}, {2}, {4}});
}

TEST_CASE("a refused command is released, and nothing else by it") {
  ReplicatedState state = fragile();

  CHECK(state.apply({.index = {4}, .bytes = bytes("refuse")}).released == std::vector<Index>{{4}});
  // A resource may have done anything before it threw: the others must do the same.
  CHECK(state.apply({.index = {5}, .bytes = bytes("throw")}).released.empty());
  CHECK(state.apply({.index = {6}, .bytes = bytes("a")}).released.empty());
}
