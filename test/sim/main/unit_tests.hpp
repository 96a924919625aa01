#pragma once

#include <string_view>

namespace troupe::sim {

/// Whether the test of the core by this name fails, in a child of ours. Only where mistakes can be
/// made are those tests linked; and a name that none of them has fails nothing.
bool unit_test_fails(std::string_view name);

}  // namespace troupe::sim
