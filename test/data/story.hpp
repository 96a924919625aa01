#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::test {

/// A line of a story: `verb word… key=value`.
struct Line {
  std::string verb{};
  std::vector<std::string> words{};
  std::map<std::string, std::string> options{};
  bool has(const std::string& key) const { return options.contains(key); }
};

Line parse_line(const std::string& text);

/// Runs the story in `text`: each command is followed by `----` and the answer that is expected,
/// up to an empty line; `#` starts a comment. An empty answer is written `ok`. Returns the story
/// with the answers that `run` gave: the same text, if all went as expected.
std::string retell(const std::string& text, const std::function<std::string(const Line&)>& run);

/// The first line in which two stories differ, with its number; nothing if they do not.
std::string first_difference(const std::string& expected, const std::string& told);

}  // namespace troupe::test
