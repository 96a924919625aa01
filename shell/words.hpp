#pragma once

#include "core/refusal.hpp"
#include "machine/kind.hpp"

#include <string_view>
#include <vector>

namespace troupe::shell {

using machine::Words;

/// The commands of `text`, each as its words. Commands end at a newline or `;`, words at blanks.
/// Quotes and backslashes mean what they mean to a POSIX shell; a `#` that starts a word starts a
/// comment. Empty commands are left out.
///
/// Refuses `invalid`, with what is wrong as detail, if a quote is not closed or nothing follows a
/// backslash. Then none of the commands should be executed: we can't know where they end.
Result<std::vector<Words>> split(std::string_view text);

}  // namespace troupe::shell
