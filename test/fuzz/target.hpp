#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::fuzz {

using Input = std::span<const std::uint8_t>;
/// What is wrong, in words; nothing if all is as it should be.
using Problem = std::optional<std::string>;

/// What bytes from outside can reach, fed with any bytes. A crash, a sanitizer's report and a
/// problem that is returned are all findings.
struct Target {
  std::string_view name{};
  std::string_view summary{};
  Problem (*run)(Input) = nullptr;
  /// Inputs to start from, that reach far. The same on every run.
  std::vector<std::string> (*seeds)() = nullptr;
  /// Longer ones take longer and find no more.
  std::size_t input_bytes_max = 4096;
};

/// All of them. The last is the canary: it has a planted mistake, and who does not find that finds
/// nothing.
std::span<const Target> targets();

/// `nullptr` if there is none of this name.
const Target* find_target(std::string_view name);

Target frames_target();
Target packets_target();
Target commands_target();
Target records_target();
Target snapshots_target();
Target engine_target();
Target shell_target();
Target store_target();
Target canary_target();

inline std::string_view text(Input input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}
inline Input bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace troupe::fuzz
