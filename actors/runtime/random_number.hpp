#pragma once

#include <cstdint>

namespace troupe::actors {

/// A number that nobody else draws: for identities and seeds. Never 0.
std::uint64_t random_number();

}  // namespace troupe::actors
