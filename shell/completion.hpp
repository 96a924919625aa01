#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::shell {

/// What can be typed, beside the names of commands.
struct Vocabulary {
  std::vector<std::string> peers{};
  std::vector<std::string> kinds{};
};

/// What the cursor stands behind: the word that is being typed, and where it may go.
struct Completion {
  std::string prefix{};                ///< Of the word, as far as it is typed.
  std::vector<std::string> choices{};  ///< Words that begin with it, sorted.
  /// What all choices add to the prefix; with a blank if there is one choice only.
  std::string addition() const;
};

/// Completes a line that is typed up to `line`'s end.
Completion complete(std::string_view line, const Vocabulary& vocabulary);

}  // namespace troupe::shell
