#pragma once

/// \file
/// What calls end in: a value, or a `Refusal` that says whether what was asked for may have
/// happened. `Bytes` are what commands, queries and their values are made of.

#include "core/bytes.hpp"
#include "core/refusal.hpp"
#include "core/types.hpp"
