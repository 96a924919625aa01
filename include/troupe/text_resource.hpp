#pragma once

/// \file
/// A replicated resource in twenty lines, whose commands, queries and state are text.

#include "resources/text/text.hpp"
#include "troupe/kind.hpp"

namespace troupe {

using resources::decode_words;
using resources::encode_words;
using resources::number;
using resources::text_kind;
using resources::TextResource;

}  // namespace troupe
