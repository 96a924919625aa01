#include "test/torture/history.hpp"

#include "test/torture/witness.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <variant>
#include <vector>

using namespace troupe;
using namespace troupe::torture;

namespace {

using Action = sim::KvOperation::Action;

struct At {
  int client = 1;
  int called = 0;
  int returned = 0;
  std::uint64_t index = 0;
};

Record record(Action action, At at) {
  Record made{.operation = {.interval = {Time(at.called), Time(at.returned)},
                            .client = static_cast<std::uint64_t>(at.client),
                            .key = 7,
                            .action = action},
              .level = ReadLevel::linearizable,
              .index = {at.index}};
  return made;
}
Record set(sim::KvValue value, At at) {
  Record made = record(Action::set, at);
  made.operation.value = value;
  return made;
}
Record get(sim::KvValue told, At at, ReadLevel level = ReadLevel::linearizable) {
  Record made = record(Action::get, at);
  made.operation.told = told;
  made.level = level;
  return made;
}
Record remove(bool told, At at) {
  Record made = record(Action::remove, at);
  made.operation.told = told ? 1 : 0;
  return made;
}
Record in_doubt(Record record) {
  record.operation.interval.returned = never;
  record.index = {};
  return record;
}

/// What both checks say; the first line of each.
struct Verdict {
  std::string witness{};
  std::string search{};
};
std::string first_line(const std::optional<std::string>& problem) {
  return problem ? problem->substr(0, problem->find(":\n")) : "";
}
Verdict check(const Records& records) {
  return {.witness = first_line(broken_witness(records)),
          .search = first_line(broken_linearizability(records))};
}

}  // namespace

TEST_CASE("a history of reads of all levels that indexes explain is sound") {
  const Verdict found = check({
      set(10, {1, 0, 10, 5}),
      get(10, {2, 11, 20, 6}),
      set(20, {1, 21, 30, 7}),
      get(10, {2, 31, 40, 6}, ReadLevel::sequential),
      get(20, {3, 31, 40, 7}, ReadLevel::lease),
      remove(true, {1, 41, 50, 8}),
      get(0, {3, 51, 60, 9}),
      remove(false, {1, 61, 70, 10}),
  });

  CHECK(found.witness == "");
  CHECK(found.search == "");
}

TEST_CASE("a write in doubt may be seen by who asked after it, and need not be") {
  const Record doubt = in_doubt(set(20, {1, 20, 0, 0}));
  const Record before = set(10, {1, 0, 10, 5});

  CHECK(check({before, doubt, get(20, {2, 30, 40, 6}), get(20, {2, 50, 60, 7})}).witness == "");
  CHECK(check({before, doubt, get(10, {2, 30, 40, 6}), get(20, {2, 50, 60, 7})}).search == "");
  CHECK(check({before, doubt, get(20, {2, 11, 15, 6})}).witness
        == "nothing up to its index left what was told");
}

TEST_CASE("one answer that is altered is found") {
  const Records sound = {set(10, {1, 0, 10, 5}), set(20, {1, 11, 20, 6}), get(20, {2, 21, 30, 6})};
  CHECK(check(sound).witness == "");

  SUBCASE("a read that is stale") {
    Records altered = sound;
    altered[2].operation.told = 10;
    CHECK(check(altered).witness == "nothing up to its index left what was told");
    CHECK(check(altered).search == "no order explains what clients were told until 30us");
  }
  SUBCASE("a read that is stale, as its index says") {
    Records altered = sound;
    altered[2].operation.told = 10;
    altered[2].index = {5};
    CHECK(check(altered).witness == "the later has no larger index");
  }
  SUBCASE("a write that two clients were told of") {
    Records altered = sound;
    altered[1].index = {5};
    altered[1].operation.interval.called = Time(9);
    CHECK(check(altered).witness == "two writes have one index");
  }
  SUBCASE("a write that went back in the log") {
    Records altered = sound;
    altered[1].index = {4};
    CHECK(check(altered).witness == "the later has no larger index");
  }
  SUBCASE("a delete of what was there that found nothing") {
    Records altered = sound;
    altered.push_back(remove(false, {1, 31, 40, 7}));
    CHECK(check(altered).witness == "nothing up to its index explains what was told");
    CHECK(check(altered).search == "no order explains what clients were told until 40us");
  }
}

TEST_CASE("a sequential read goes back for no client, but may lag behind others") {
  const Record first = set(10, {1, 0, 10, 5});
  const Record second = set(20, {1, 11, 20, 6});

  CHECK(check({first, second, get(10, {2, 21, 30, 5}, ReadLevel::sequential)}).witness == "");
  CHECK(check({first, second, get(10, {1, 21, 30, 5}, ReadLevel::sequential)}).witness
        == "the later has no larger index");
  CHECK(check({first, second, get(20, {2, 21, 30, 5}, ReadLevel::sequential)}).witness
        == "nothing up to its index left what was told");
}

TEST_CASE("a sequential read may be told of the time before the first entry") {
  const Record first = set(10, {1, 0, 10, 5});

  CHECK(check({first, get(0, {2, 21, 30, 0}, ReadLevel::sequential)}).witness == "");
  CHECK(check({first, get(10, {2, 21, 30, 0}, ReadLevel::sequential)}).witness
        == "nothing up to its index left what was told");
  CHECK(check({first, get(0, {1, 21, 30, 0}, ReadLevel::sequential)}).witness
        == "the later has no larger index");
}

TEST_CASE("a record is read back from its line") {
  const Records all = {set(10, {1, 0, 10, 5}), in_doubt(remove(true, {2, 3, 0, 0})),
                       get(10, {3, 4, 9, 5}, ReadLevel::sequential),
                       get(0, {4, 4, 9, 0}, ReadLevel::sequential)};
  std::stringstream lines;
  for (const Record& each : all)
    lines << to_line(each) << "\n";

  const auto read = read_records(lines);

  REQUIRE(std::holds_alternative<Records>(read));
  REQUIRE(std::get<Records>(read).size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    CHECK(to_line(std::get<Records>(read)[i]) == to_line(all[i]));
}

TEST_CASE("a line that is no record is named") {
  const std::string sound = to_line(set(10, {1, 3, 10, 5}));
  const auto with = [&](const std::string& part, const std::string& instead) {
    std::string line = sound;
    REQUIRE(line.find(part) != std::string::npos);
    return line.replace(line.find(part), part.size(), instead);
  };
  const std::vector<std::string> broken = {
      "",
      "{}",
      "[]",
      "7",
      sound.substr(0, sound.size() - 1),
      with("\"set\"", "\"put\""),
      with("\"linearizable\"", "7"),
      with("\"key\":7,", ""),
      with("\"called_us\":3", "\"called_us\":11"),  // After it was answered.
      with("\"index\":5", "\"index\":0"),
      to_line(get(0, {1, 3, 10, 0})),
      with("\"told\":0,", ""),
      R"({"client":1,"action":"get","level":"lease","key":7,"value":0,"called_us":5,)"
      R"("returned_us":null})",
  };
  for (const std::string& line : broken) {
    CAPTURE(line);
    std::stringstream lines(sound + "\n" + line + "\n");
    const auto read = read_records(lines);
    REQUIRE(std::holds_alternative<std::string>(read));
    CHECK(std::get<std::string>(read).starts_with("line 2 is no record"));
  }
}
