#pragma once

/// \file
/// A whole program around kinds of yours: node, shell and tools. Link `Troupe::shell`.

#include "shell/run.hpp"
#include "troupe/kind.hpp"
