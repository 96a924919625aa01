#pragma once

#include "core/view.hpp"

#include <optional>
#include <string_view>

namespace troupe {

/// The first rule that `now` breaks by itself or as successor of `before`, in
/// the manual's words; nothing if all hold. Checked after every step in tests.
std::optional<std::string_view> broken_invariant(const EngineView& before, const EngineView& now);

}  // namespace troupe
