#include "shell/settings.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::shell;
using namespace std::chrono_literals;

namespace {

NodeSettings complete_node() {
  NodeSettings settings;
  settings.options.name = "a";
  settings.options.listen = "127.0.0.1:4001";
  settings.options.directory = "data";
  return settings;
}

}  // namespace

TEST_CASE("a time is a number of milliseconds or seconds") {
  CHECK(parse_duration("3000") == 3000ms);
  CHECK(parse_duration("150ms") == 150ms);
  CHECK(parse_duration("3s") == 3s);
  CHECK(parse_duration("86400s") == 24h);
  for (const char* text : {"", "0", "-1", "1.5s", "3 s", "3m", "s", "86401s", "99999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("a node needs a name, an address and a place for its logs") {
  CHECK(problem(complete_node()).empty());
  CHECK(problem(NodeSettings{}) == "--name is missing");
  NodeSettings without_data = complete_node();
  without_data.options.directory.clear();
  CHECK(problem(without_data) == "--data is missing");
}

TEST_CASE("election timing that can't work is refused") {
  NodeSettings settings = complete_node();
  settings.options.engine.election_timeout_max = settings.options.engine.election_timeout_min;

  CHECK_FALSE(problem(settings).empty());
}

TEST_CASE("a shell has a node of its own or connects to others, never both or neither") {
  ShellSettings shell;
  CHECK_FALSE(problem(shell).empty());

  shell.connect = {"127.0.0.1:4001"};
  CHECK(problem(shell).empty());

  shell.node = complete_node();
  CHECK_FALSE(problem(shell).empty());

  shell.connect.clear();
  CHECK(problem(shell).empty());

  shell.node.options.listen.clear();
  CHECK(problem(shell) == "--listen is missing");
}
