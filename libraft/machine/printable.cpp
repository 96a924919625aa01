#include "machine/printable.hpp"

#include <cstddef>
#include <cstdint>

namespace troupe::machine {

namespace {

struct Character {
  std::size_t size = 0;  ///< Bytes; 0 if these are no character.
  std::uint32_t code = 0;
};

/// The smallest code of as many bytes: anything below has a shorter form.
constexpr std::uint32_t code_min[] = {0, 0, 0x80, 0x800, 0x10000};
constexpr std::uint32_t code_max = 0x10ffff;

std::size_t size_told_by(std::uint8_t first) {
  if (first < 0x80)
    return 1;
  if (first >= 0xc0 && first < 0xe0)
    return 2;
  if (first >= 0xe0 && first < 0xf0)
    return 3;
  return first >= 0xf0 && first < 0xf8 ? 4 : 0;
}

/// The character that `bytes`, which are not empty, begin with.
Character first_of(std::string_view bytes) {
  const auto first = static_cast<std::uint8_t>(bytes.front());
  const std::size_t size = size_told_by(first);
  if (size == 0 || size > bytes.size())
    return {};
  std::uint32_t code = size == 1 ? first : first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    if ((byte & 0xc0) != 0x80)
      return {};
    code = code << 6 | (byte & 0x3fU);
  }
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < code_min[size] || code > code_max || surrogate)
    return {};
  return {size, code};
}

bool is_shown(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0))  // C0, DEL and C1.
    return false;
  const bool ends_line = code == 0x2028 || code == 0x2029;
  const bool turns = code == 0x61c || code == 0x200e || code == 0x200f
                     || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return !ends_line && !turns && code != 0xfeff;
}

std::string escape_of(char c) {
  static constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\a':
      return "\\a";
    default: {
      const auto byte = static_cast<std::uint8_t>(c);
      return std::string("\\x") + digits[byte >> 4] + digits[byte & 0xf];
    }
  }
}

template <class Accepts>
bool all_of(std::string_view bytes, Accepts accepts) {
  while (!bytes.empty()) {
    const Character character = first_of(bytes);
    if (character.size == 0 || !accepts(character.code))
      return false;
    bytes.remove_prefix(character.size);
  }
  return true;
}

}  // namespace

bool is_text(std::string_view bytes) {
  return all_of(bytes, [](std::uint32_t) { return true; });
}

bool is_printable(std::string_view bytes) {
  return all_of(bytes, is_shown);
}

std::string escaped(std::string_view bytes) {
  std::string result = "$'";
  while (!bytes.empty()) {
    const Character character = first_of(bytes);
    std::size_t size = character.size;
    if (size == 0 || !is_shown(character.code)) {
      size = size == 0 ? 1 : size;
      for (const char c : bytes.substr(0, size))
        result += escape_of(c);
    } else {
      if (bytes.front() == '\'' || bytes.front() == '\\')
        result += '\\';
      result += bytes.substr(0, size);
    }
    bytes.remove_prefix(size);
  }
  return result + "'";
}

}  // namespace troupe::machine
