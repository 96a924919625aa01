#pragma once

/// \file
/// How a node makes resources and checks what clients send them, and how people write commands.

#include "machine/kind.hpp"
#include "troupe/resource.hpp"
#include "troupe/result.hpp"

namespace troupe {

using machine::Kind;
using machine::Kinds;
using machine::kinds;
using machine::KindText;
using machine::Words;

}  // namespace troupe
