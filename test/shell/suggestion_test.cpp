#include "shell/suggestion.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace troupe::shell;

namespace {

const std::vector<std::string> known = {"node", "shell", "log", "repair", "set_configuration"};

}  // namespace

TEST_CASE("a slip of a known word is taken for that word") {
  CHECK(nearest("nod", known) == "node");
  CHECK(nearest("ndoe", known) == "node");
  CHECK(nearest("shelll", known) == "shell");
  CHECK(nearest("reapir", known) == "repair");
  CHECK(nearest("set_configration", known) == "set_configuration");
  CHECK(did_you_mean("nod", known) == ", did you mean node?");
}

TEST_CASE("a word that is no slip of any is taken for none") {
  CHECK(nearest("frobnicate", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(100000, 'x'), known).empty());
  CHECK(nearest("node", {}).empty());
  CHECK(did_you_mean("frobnicate", known).empty());
}
