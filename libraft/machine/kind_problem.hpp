#pragma once

#include "machine/kind.hpp"

#include <string>

namespace troupe::machine {

/// The reason why no peer can be of this kind, for people: it has no name, lacks functions (all of
/// them are named), or makes no resource. Empty if all is well. A node asks before it starts, for
/// `kinds` takes all that it is given.
std::string problem(const Kind& kind);
/// Likewise of all of them; also, two of one name.
std::string problem(const Kinds& kinds);

}  // namespace troupe::machine
