#include "test/fuzz/draw.hpp"

#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

/// A planted mistake, of the kind that chance alone never meets: each letter must be right before
/// the next is looked at. A fuzzer that sees the way of each input finds it in a moment.
Problem run(Input input) {
  Draw draw(input);
  if (draw.byte() == 'R' && draw.byte() == 'a' && draw.byte() == 'f' && draw.byte() == 't')
    return "the canary was found";
  return std::nullopt;
}

std::vector<std::string> seeds() {
  return {"Raf_"};
}

}  // namespace

Target canary_target() {
  return {.name = "canary",
          .summary = "a mistake that was planted: it must be found",
          .run = run,
          .seeds = seeds};
}

}  // namespace troupe::fuzz
