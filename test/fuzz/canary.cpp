#include "test/fuzz/target.hpp"
#include "test/wire/samples.hpp"
#include "wire/packet.hpp"

#include <string>
#include <variant>
#include <vector>

namespace troupe::fuzz {

namespace {

/// "Nobody ever starts with such an incarnation": the planted mistake. It lies behind the verifier,
/// and no seed makes it.
constexpr std::uint64_t never_drawn = 0xC;

Problem run(Input input) {
  const auto decoded = wire::decode(Bytes::copy_of(input));
  if (!decoded)
    return std::nullopt;
  const auto* hello = std::get_if<wire::Hello>(&*decoded);
  if (hello != nullptr && hello->incarnation >> 60 == never_drawn)
    return "the canary was found";
  return std::nullopt;
}

std::vector<std::string> seeds() {
  return {std::string(
      wire::body_of(wire::Hello{.node = "a", .address = "127.0.0.1:1", .incarnation = ~0ull >> 1})
          .text())};
}

}  // namespace

Target canary_target() {
  return {.name = "canary",
          .summary = "a mistake that was planted: it must be found",
          .run = run,
          .seeds = seeds};
}

}  // namespace troupe::fuzz
