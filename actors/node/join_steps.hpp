#pragma once

#include "actors/node/join.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace troupe::actors {

/// How long a node may take to say what it knows.
inline constexpr Duration answer_timeout = std::chrono::milliseconds(500);

Join::Outcome failed(std::string text);

/// Nothing is decided, and there is nothing to wait for.
Join::Outcome go_on();

bool goes_on(const Join::Outcome& outcome);

/// "a, b, c".
std::string listed(const std::vector<std::string>& words);

}  // namespace troupe::actors
