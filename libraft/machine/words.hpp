#pragma once

#include "machine/kind.hpp"

#include <string>
#include <string_view>

namespace troupe::machine {

/// `word` as it can be typed: in single quotes if a shell would split or change it, as $'...' if
/// it would not show as it is. Always printable.
std::string quoted(std::string_view word);

/// The words of a command on one line, so that splitting the line gives the same words again.
std::string joined(const Words& words);

}  // namespace troupe::machine
