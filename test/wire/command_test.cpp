#include "wire/command.hpp"

#include "wire/command_generated.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::wire;

namespace {

std::string text_of(const CommandView& view) {
  return {view.payload.begin(), view.payload.end()};
}

/// An envelope as no codec of ours makes it. A field at `unknown_slot` is one of a later version.
struct Envelope {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::string resource{};
  flatbuffers::voffset_t unknown_slot = 0;
  bool with_defaults = false;  ///< Fields are there although they hold nothing.

  Bytes bytes() const {
    flatbuffers::FlatBufferBuilder builder;
    builder.ForceDefaults(with_defaults);
    builder.ForceVectorAlignment(7, 1, 8);
    const auto payload =
        builder.CreateVector(std::vector<std::uint8_t>{'p', 'a', 'y', 'l', 'o', 'a', 'd'});
    flatbuffers::Offset<flatbuffers::String> name;
    if (with_defaults || !resource.empty())
      name = builder.CreateString(resource);
    schema::CommandBuilder command(builder);
    command.add_session(session);
    command.add_sequence(sequence);
    command.add_resource(name);
    command.add_payload(payload);
    if (unknown_slot != 0)
      builder.AddElement<std::uint8_t>(unknown_slot, 1);
    schema::FinishCommandBuffer(builder, command.Finish());
    return Bytes::copy_of(std::span(builder.GetBufferPointer(), builder.GetSize()));
  }
};

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

TEST_CASE("an envelope says whether it sets a field that means nothing yet") {
  const auto reserved = [](const Envelope& envelope) {
    const Bytes bytes = envelope.bytes();  // What the view refers to.
    const auto view = read_command(bytes);
    REQUIRE(view);
    CHECK(text_of(*view) == "payload");
    return view->reserved;
  };
  const flatbuffers::voffset_t after_payload = schema::Command::VT_PAYLOAD + 2;

  CHECK_FALSE(read_command(encode_command(Bytes::copy_of("payload").span()))->reserved);
  CHECK_FALSE(reserved({}));
  CHECK_FALSE(reserved({.with_defaults = true}));
  CHECK(reserved({.session = 1}));
  CHECK(reserved({.sequence = 1}));
  CHECK(reserved({.resource = "other"}));
  CHECK(reserved({.unknown_slot = after_payload}));
  CHECK(reserved({.unknown_slot = after_payload + 10}));
}

TEST_CASE("an envelope without a payload, or at an odd address, hides no reserved field") {
  flatbuffers::FlatBufferBuilder builder;
  schema::FinishCommandBuffer(builder, schema::CreateCommand(builder, 1));
  const auto bare = std::span(builder.GetBufferPointer(), builder.GetSize());
  CHECK(read_command(Bytes::copy_of(bare))->reserved);

  const Bytes envelope = Envelope{.sequence = 9}.bytes();
  const Bytes shifted = Bytes::copy_of("!" + std::string(envelope.text()));
  const Bytes odd(std::make_shared<const Bytes>(shifted), shifted.span().subspan(1));
  CHECK(read_command(odd)->reserved);
}
