#include "shell/settings.hpp"

#include <CLI/CLI.hpp>
#include <doctest/doctest.h>

#include <string>

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

TEST_CASE("what a node advertises is an address, or the command line is refused") {
  const auto parsed = [](const std::string& advertised) {
    NodeSettings settings;
    CLI::App app;
    add_options(app, settings);
    app.parse("--name a --listen 0.0.0.0:4001 --data data --advertise " + advertised);
    return settings;
  };

  CHECK(problem(parsed("a.example:4001")).empty());
  CHECK(parsed("a.example:4001").options.advertise == "a.example:4001");
  for (const char* nonsense : {"a.example", "a.example:0", ":4001", "a.example:port", "::1:4001",
                               "0.0.0.0:4001", "*:4001", "[::ffff:0.0.0.0]:4001", "224.0.0.1:1"}) {
    CAPTURE(nonsense);
    CHECK_THROWS_AS(parsed(nonsense), CLI::ValidationError);
  }
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

TEST_CASE("who advertises an address has a node of its own") {
  ShellSettings shell;
  shell.connect = {"127.0.0.1:4001"};
  shell.node.options.advertise = "a.example:4001";

  CHECK_FALSE(problem(shell).empty());
}
