#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::shell {

/// The one of `known` that `word` is most likely a slip of, or empty: one slip in a short word, two
/// in a word of six letters and more. A slip is a letter too many, too few, another, or two of them
/// swapped. A long word is a slip of nothing.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// What to say behind an unknown word: ", did you mean node?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace troupe::shell
