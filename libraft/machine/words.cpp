#include "machine/words.hpp"

#include "machine/printable.hpp"

#include <algorithm>

namespace troupe::machine {

namespace {

/// What means nothing to a shell. Bytes above 127 are parts of letters.
bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || byte >= 0x80
         || std::string_view("%+,-./:=@_^").find(c) != std::string_view::npos;
}

}  // namespace

std::string quoted(std::string_view word) {
  if (!is_printable(word))
    return escaped(word);
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain))
    return std::string(word);

  std::string result = "'";
  for (const char c : word) {
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  }
  return result + "'";
}

std::string joined(const Words& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty())
      line += ' ';
    // Not by argument: <iomanip> may be there, and std::quoted takes strings, too.
    line += machine::quoted(word);
  }
  return line;
}

}  // namespace troupe::machine
