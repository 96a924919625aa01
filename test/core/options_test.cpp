#include "core/options.hpp"

#include "test/core/subject.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace troupe::test {

TEST_CASE("options as they come have no problem, once they say who we are") {
  CHECK(problem(options()) == "");
  CHECK(problem(EngineOptions{}) != "");
}

TEST_CASE("each limit that makes no sense is named") {
  using std::chrono::milliseconds;
  struct Case {
    const char* option;
    void (*spoil)(EngineOptions&);
  };
  const Case cases[] = {
      {"heartbeat_interval", [](EngineOptions& o) { o.heartbeat_interval = milliseconds(0); }},
      {"election_timeout_min", [](EngineOptions& o) { o.election_timeout_min = milliseconds(89); }},
      {"election_timeout_max",
       [](EngineOptions& o) { o.election_timeout_max = milliseconds(150); }},
      {"disk_stall_max", [](EngineOptions& o) { o.disk_stall_max = milliseconds(0); }},
      {"append_bytes_max", [](EngineOptions& o) { o.append_bytes_max = 0; }},
      {"window_bytes_max", [](EngineOptions& o) { o.window_bytes_max = 1000; }},
      {"window_messages_max", [](EngineOptions& o) { o.window_messages_max = 0; }},
      {"entry_bytes_max", [](EngineOptions& o) { o.entry_bytes_max = 0; }},
      {"uncommitted_bytes_max", [](EngineOptions& o) { o.uncommitted_bytes_max = 1000; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.option);
    EngineOptions spoilt = options();
    c.spoil(spoilt);
    CHECK(problem(spoilt).starts_with(c.option));
  }
}

}  // namespace troupe::test
