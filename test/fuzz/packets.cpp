#include "test/fuzz/target.hpp"
#include "test/wire/samples.hpp"
#include "wire/packet.hpp"

#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

/// The body of a frame as any stranger can send it. What is accepted must be sound: it can be
/// sent on, arrives as it was, and is encoded in one way only.
Problem run(Input input) {
  const auto decoded = wire::decode(Bytes::copy_of(input));
  if (!decoded) {
    if (decoded.refusal() != Refusal::invalid || decoded.detail().empty())
      return "refused without a reason";
    return std::nullopt;
  }
  const Bytes once = wire::body_of(*decoded);
  const auto again = wire::decode(once);
  if (!again)
    return "what was accepted is refused when it is sent on: " + again.detail();
  if (!(wire::body_of(*again) == once))
    return "the same packet has two encodings";
  return std::nullopt;
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const wire::Packet& packet : wire::samples())
    all.emplace_back(wire::body_of(packet).text());
  return all;
}

}  // namespace

Target packets_target() {
  return {.name = "packets",
          .summary = "the body of a frame, as nodes and clients send it",
          .run = run,
          .seeds = seeds};
}

}  // namespace troupe::fuzz
