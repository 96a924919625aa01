#pragma once

namespace troupe {

/// Prints where and what, then aborts. One peer short beats one peer wrong.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace troupe

/// A broken invariant ends the process, in every build. Holds no effects.
#define TROUPE_ASSERT(expression)                                  \
  do {                                                             \
    if (!(expression))                                             \
      ::troupe::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
