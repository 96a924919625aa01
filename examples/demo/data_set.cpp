#include "examples/demo/data_set.hpp"

#include <fstream>

namespace demo {

std::vector<Character> read_data_set(const std::string& path) {
  std::vector<Character> characters;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(';');
    const auto second = line.find(';', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    characters.push_back({.code = line.substr(0, first),
                          .name = line.substr(first + 1, second - first - 1),
                          .line = line});
  }
  return characters;
}

}  // namespace demo
