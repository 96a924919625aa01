#include "test/sim/main/unit_tests.hpp"

#ifdef TROUPE_MUTANTS

#define DOCTEST_CONFIG_IMPLEMENT
#include "test/sim/main/child.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>

namespace troupe::sim {

bool unit_test_fails(std::string_view name) {
  std::string filter(name);
  std::replace(filter.begin(), filter.end(), ',', '?');  // Commas part filters.
  return in_child([&]() -> std::optional<Failure> {
           doctest::Context context;
           context.setOption("out", "/dev/null");
           context.setOption("test-case", filter.c_str());
           return context.run() == 0 ? std::nullopt : std::optional(Failure{filter, {}});
         })
      .has_value();
}

}  // namespace troupe::sim

#endif
