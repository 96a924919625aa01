#pragma once

/// \file
/// What is replicated: a class of yours that applies commands and answers queries, the same way on
/// every peer. `TextResource` (troupe/text_resource.hpp) needs fewer lines.

#include "machine/resource.hpp"

namespace troupe {

using machine::Command;
using machine::Reply;
using machine::Resource;
using machine::Saver;
using machine::View;

}  // namespace troupe
