#include "wire/command.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::wire;

namespace {

std::string text_of(const CommandView& view) {
  return {view.payload.begin(), view.payload.end()};
}

}  // namespace

TEST_CASE("an envelope gives back the payload it was made of, inside itself and aligned") {
  for (std::size_t size = 0; size < 70; ++size) {
    CAPTURE(size);
    const std::string payload(size, 'x');

    const Bytes envelope = encode_command(Bytes::copy_of(payload).span());
    const auto view = read_command(envelope);

    REQUIRE(view);
    CHECK(text_of(*view) == payload);
    CHECK(reinterpret_cast<std::uintptr_t>(envelope.data()) % 8 == 0);
    if (size > 0) {
      CHECK(view->payload.data() > envelope.data());
      CHECK(view->payload.data() + size <= envelope.data() + envelope.size());
      CHECK(reinterpret_cast<std::uintptr_t>(view->payload.data()) % 8 == 0);
    }
  }
}

TEST_CASE("an envelope that lies at an odd address reads the same") {
  const Bytes envelope = encode_command(Bytes::copy_of("payload").span());
  const Bytes shifted = Bytes::copy_of("!" + std::string(envelope.text()));
  const Bytes odd(std::make_shared<const Bytes>(shifted), shifted.span().subspan(1));

  const auto view = read_command(odd);

  REQUIRE(view);
  CHECK(text_of(*view) == "payload");
  CHECK(view->payload.data() > odd.data());
  CHECK(view->payload.data() < odd.data() + odd.size());
}

TEST_CASE("what is not an envelope is refused") {
  CHECK(!read_command(Bytes{}));
  CHECK(!read_command(Bytes::copy_of("put x 1")));
  CHECK(!read_command(Bytes::copy_of(std::string(1000, '\0'))));
  CHECK(!read_command(Bytes::copy_of(std::string(1000, '\xff'))));
}

TEST_CASE("an envelope with any byte changed or missing never reads past its end") {
  const Bytes sound = encode_command(Bytes::copy_of("a payload of some bytes").span());
  const auto check = [](const Bytes& envelope) {
    const auto view = read_command(envelope);
    if (view && !view->payload.empty()) {
      CHECK(view->payload.data() >= envelope.data());
      CHECK(view->payload.data() + view->payload.size() <= envelope.data() + envelope.size());
    }
  };
  for (std::size_t i = 0; i < sound.size(); ++i) {
    check(Bytes::copy_of(sound.text().substr(0, i)));
    for (int value = 0; value < 256; ++value) {
      std::string broken(sound.text());
      broken[i] = static_cast<char>(value);
      check(Bytes::copy_of(broken));
    }
  }
}
