#pragma once

#include <string>
#include <vector>

namespace demo {

/// One line of the Unicode character database: "1F600", its name, and the whole line.
struct Character {
  std::string code{};
  std::string name{};
  std::string line{};
};

/// Where Debian's package `unicode-data` puts the database: some 35,000 characters.
inline constexpr const char* data_set_path = "/usr/share/unicode/UnicodeData.txt";

/// All characters of the file, or nothing if it can't be read.
std::vector<Character> read_data_set(const std::string& path);

}  // namespace demo
