#pragma once

#include "test/bench/row.hpp"

#include <string>
#include <vector>

namespace bench {

/// One line for each target that `rows` say something about: what was measured, what is aimed at,
/// and whether it is met. In the order of docs/performance.md; empty if there is none.
std::vector<std::string> against_targets(const std::vector<Row>& rows);

}  // namespace bench
