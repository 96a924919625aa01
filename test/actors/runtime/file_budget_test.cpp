#include "actors/runtime/file_budget.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>

namespace troupe::actors::test {
namespace {

FileBudget shared(std::size_t files, std::size_t connections_max) {
  auto budget = share_out_files(files, connections_max);
  REQUIRE(std::holds_alternative<FileBudget>(budget));
  return std::get<FileBudget>(budget);
}

TEST_CASE("the shares of all who open files fit what the process may open") {
  for (const std::size_t files :
       {files_min, std::size_t{200}, std::size_t{1024}, std::size_t{4096}, std::size_t{1} << 20}) {
    CAPTURE(files);
    const FileBudget budget = shared(files, 100'000);
    const std::size_t sum =
        budget.links_max + budget.nodes_max + budget.strangers_max + budget.connections_max;
    CHECK(sum <= files - 64);
    CHECK(budget.links_max >= 8);
    CHECK(budget.nodes_max >= 8);
    CHECK(budget.strangers_max >= 8);
    CHECK(budget.connections_max >= 32);
  }
}

TEST_CASE("no more clients than asked for have a place, however many files there are") {
  CHECK(shared(1 << 20, 50).connections_max == 50);
  CHECK(shared(1 << 20, 5000).connections_max == 5000);
}

TEST_CASE("a node with too few files names how many it has, and how many it needs") {
  const auto few = share_out_files(40, 100);
  REQUIRE(std::holds_alternative<std::string>(few));
  CHECK(std::get<std::string>(few)
        == "this process may open 40 files; a node needs 128: raise `ulimit -n`");
  CHECK(std::holds_alternative<std::string>(share_out_files(files_min - 1, 100)));
}

}  // namespace
}  // namespace troupe::actors::test
