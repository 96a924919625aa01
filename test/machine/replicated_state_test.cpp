#include "machine/replicated_state.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

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
      return {.error = "refused", .value = "and a value that nobody should see"};
    seen_ += text(command.bytes);
    return Reply::ok(seen_);
  }
  Reply query(View question) const override {
    if (text(question) == "throw")
      throw std::runtime_error("told to");
    return Reply::ok(seen_);
  }
  std::string save() const override { return seen_; }
  bool load(View saved) override {
    seen_ = text(saved);
    return true;
  }

private:
  std::string seen_{};
};

ReplicatedState fragile() {
  return ReplicatedState(std::make_unique<Fragile>());
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
