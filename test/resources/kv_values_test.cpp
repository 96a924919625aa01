#include "resources/kv_store/kv_values.hpp"

#include "machine/replicated_state.hpp"
#include "resources/kv_store/kv_store.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace troupe;
using namespace troupe::machine;
using namespace troupe::resources;

namespace {

std::unique_ptr<Resource> make_store() {
  return std::make_unique<KvStore>();
}

/// Applies random commands to a store that is being saved, and remembers what they come to.
class Writer {
public:
  explicit Writer(std::uint32_t seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  void write() {
    ++index_.value;
    const std::string key = "k" + std::to_string(below(60));
    if (below(3) == 0) {
      model_.erase(key);
      state_.apply({.index = index_, .bytes = bytes(kv_store::erase(key))});
      return;
    }
    const std::string value(below(200'000), static_cast<char>('a' + below(26)));
    model_[key] = {value, index_};
    state_.apply({.index = index_, .bytes = bytes(kv_store::set(key, value))});
  }
  void write(std::uint32_t times) {
    for (; times > 0; --times)
      write();
  }

  ReplicatedState& state() { return state_; }
  const KvValues& model() const { return model_; }

private:
  std::mt19937 random_;
  Index index_{};
  ReplicatedState state_{make_store};
  KvValues model_{};
};

}  // namespace

TEST_CASE("what is saved is the state as it was when that began, whatever is written meanwhile") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Writer writer(seed);
    writer.write(writer.below(120));
    const std::string expected = saved(writer.model());

    REQUIRE(writer.state().start_save());
    std::string whole;
    std::vector<std::string> pieces;
    while (true) {
      writer.write(writer.below(25));
      const auto piece = writer.state().next_piece();
      REQUIRE(piece);
      if (piece->empty())
        break;
      CHECK(piece->size() <= saved_piece_bytes_max);
      pieces.push_back(*piece);
      whole += *piece;
    }

    CHECK(whole == expected);
    CHECK(writer.state().resource().save() == saved(writer.model()));
    ReplicatedState other(make_store);
    other.start_load();
    for (const std::string& piece : pieces)
      REQUIRE(other.load_piece(bytes(piece)));
    REQUIRE(other.end_load({1}));
    CHECK(other.resource().save() == expected);
  }
}

TEST_CASE("a saver keeps aside what changes before its turn, once, and nothing behind it") {
  KvValues values;
  for (const char* key : {"a", "b", "c"})
    values[key] = {std::string(saved_piece_bytes_max, 'x'), {1}};
  KvSaver* attached = nullptr;
  {
    KvSaver saver(values, attached);
    REQUIRE(attached == &saver);
    saver.next();

    CHECK_FALSE(saver.needs("a"));
    CHECK(saver.needs("b"));
    saver.keep("b", std::move(values["b"]));
    CHECK_FALSE(saver.needs("b"));
    CHECK(saver.kept() == 1);
    values.erase("b");

    std::size_t size = 0;
    for (std::string piece = saver.next(); !piece.empty(); piece = saver.next())
      size += piece.size();
    CHECK(size > 2 * saved_piece_bytes_max);
    CHECK(saver.kept() == 0);
    CHECK_FALSE(saver.needs("d"));
  }
  CHECK(attached == nullptr);
}

TEST_CASE("values are read from pieces that are cut anywhere, and from nothing less than all") {
  KvValues values;
  values["a"] = {"one", {3}};
  values["bb"] = {"", {4}};
  values["c"] = {std::string(100, 'x'), {7}};
  const std::string whole = saved(values);

  for (std::size_t size = 1; size <= whole.size(); ++size) {
    CAPTURE(size);
    KvValues read;
    KvLoader loader(read);
    for (std::size_t from = 0; from < whole.size(); from += size) {
      CHECK_FALSE(loader.is_complete());
      REQUIRE(loader.load(bytes(std::string_view(whole).substr(from, size))));
    }
    CHECK(loader.is_complete());
    CHECK(saved(read) == whole);
    CHECK_FALSE(loader.load(bytes("x")));
  }
}
