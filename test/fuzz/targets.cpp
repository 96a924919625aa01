#include "test/fuzz/target.hpp"

#include <algorithm>
#include <array>

namespace troupe::fuzz {

std::span<const Target> targets() {
  static const std::array all{frames_target(),  packets_target(),   commands_target(),
                              records_target(), snapshots_target(), engine_target(),
                              shell_target(),   store_target(),     canary_target()};
  return all;
}

const Target* find_target(std::string_view name) {
  const auto found = std::find_if(targets().begin(), targets().end(),
                                  [&](const Target& target) { return target.name == name; });
  return found == targets().end() ? nullptr : &*found;
}

}  // namespace troupe::fuzz
