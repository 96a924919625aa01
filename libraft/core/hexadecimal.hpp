#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// All 16 digits of `number`, so that ids are of one length: "00000000000000ff".
inline std::string hexadecimal(std::uint64_t number) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4)
    text += digits[number >> shift & 0xf];
  return text;
}

}  // namespace troupe
