#include "machine/kind.hpp"

#include "core/assert.hpp"

#include <utility>

namespace troupe::machine {

namespace {

bool is_complete(const Kind& kind) {
  return !kind.name.empty() && kind.make != nullptr && kind.valid_command != nullptr
         && kind.valid_query != nullptr && kind.parse_command != nullptr
         && kind.parse_query != nullptr && kind.show_command != nullptr
         && kind.show_reply != nullptr;
}

}  // namespace

Kinds kinds(std::vector<Kind> list) {
  Kinds by_name;
  for (Kind& kind : list) {
    TROUPE_ASSERT(is_complete(kind));
    std::string name = kind.name;
    const bool is_first = by_name.emplace(std::move(name), std::move(kind)).second;
    TROUPE_ASSERT(is_first);
  }
  return by_name;
}

}  // namespace troupe::machine
