#include "shell/repair.hpp"

#include "core/engine.hpp"
#include "shell/repair_command.hpp"
#include "storage/memory_store.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace troupe::shell {
namespace {

constexpr ClusterId old_cluster{77};
constexpr ClusterId new_cluster{78};

Member member(std::uint64_t id) {
  const std::string number = std::to_string(id);
  return {.id = {id}, .name = "p" + number, .address = "host" + number + ":1"};
}

Configuration voters(std::initializer_list<std::uint64_t> ids) {
  Configuration configuration;
  for (const std::uint64_t id : ids)
    configuration.voters.push_back(member(id));
  return configuration;
}

Entry configuration_entry(std::uint64_t term, std::uint64_t index, const Configuration& value) {
  return {.id = {{term}, {index}},
          .kind = EntryKind::configuration,
          .payload = Bytes::copy_of(encode(value))};
}

/// The nodes of a lost cluster: who is not among them does not answer.
struct Others {
  struct Other {
    PeerId id{};
    bool running = true;
    wire::PeerStatus status{};
  };
  std::map<std::string, Other> at{};

  void runs(std::uint64_t id, EntryId last, const std::string& leader = {},
            const Configuration& configuration = {}, Index index = {}) {
    at[member(id).address] = {.id = {id},
                              .status = {.leader = leader,
                                         .last = last,
                                         .configuration = configuration,
                                         .configuration_index = index}};
  }
  void is_stopped(std::uint64_t id) { at[member(id).address] = {.id = {id}, .running = false}; }
  void is_another(std::uint64_t id) { at[member(id).address] = {.id = {id + 1000}}; }

  wire::Response answer(const Question& question) {
    const auto it = at.find(question.address);
    if (it == at.end())
      return {.refusal = Refusal::unreachable};
    if (std::holds_alternative<wire::AskIdentity>(question.request.body))
      return {.body = wire::Identity{.id = it->second.id, .running = it->second.running}};
    if (!it->second.running)
      return {.refusal = Refusal::no_peer};
    return {.body = it->second.status};
  }
  AskNodes ask() {
    return [this](const std::vector<Question>& questions) {
      std::vector<wire::Response> responses;
      for (const Question& question : questions)
        responses.push_back(answer(question));
      return responses;
    };
  }
};

/// Peer 1 of `configuration`, which is its entry 1, with a no-op of term 2 behind.
struct Fixture {
  storage::MemoryDisk disk{};
  std::unique_ptr<storage::Store> store = storage::open_memory_store(disk);
  Others others{};
  RepairSettings settings{.directory = {}, .peer = "p1"};
  bool confirmed = true;
  bool notes_fail = false;
  std::string shown{};
  std::vector<std::string> notes{};

  explicit Fixture(const Configuration& configuration = voters({1, 2, 3})) {
    REQUIRE(!store->put_peer({.id = {1}, .name = "p1", .kind = "kv_store"}));
    Write write{.id = {1},
                .hard_state = {.term = {2}, .voted_for = {2}, .cluster = old_cluster},
                .entries = {configuration_entry(1, 1, configuration),
                            {.id = {{2}, {2}}, .kind = EntryKind::noop, .payload = {}}}};
    const storage::PeerWrite writes[] = {{{1}, write}};
    REQUIRE(!store->write(writes));
  }

  Reply force() {
    return force_configuration(*store, settings,
                               {.ask = others.ask(),
                                .confirm =
                                    [&](const std::string& report) {
                                      shown = report;
                                      return confirmed;
                                    },
                                .cluster = new_cluster,
                                .note =
                                    [&](const std::string& line) {
                                      notes.push_back(line);
                                      return !notes_fail;
                                    }});
  }
  /// The word with which the repair is refused; empty if it is done.
  std::string refusal() {
    const Reply reply = force();
    const auto* failure = std::get_if<Failure>(&reply);
    return failure == nullptr ? std::string() : failure->error;
  }
  Recovered recovered() { return std::get<Recovered>(store->recover({1})); }
  bool unchanged() { return recovered().hard_state.cluster == old_cluster; }
};

TEST_CASE("a survivor of a lost majority leads alone when it starts again, with all that it has") {
  Fixture fixture;
  const Reply reply = fixture.force();
  REQUIRE(std::holds_alternative<Configuration>(reply));
  CHECK(std::get<Configuration>(reply) == voters({1}));

  Engine engine({.self = {1}}, fixture.recovered(), Time{});
  for (int i = 0; i < 10 && engine.role() != Role::leader; ++i) {
    engine.step(Tick{engine.next_deadline()});
    while (engine.has_output())
      if (const Output out = engine.take_output(); out.write)
        engine.step(Persisted{out.write->id});
  }

  CHECK(engine.role() == Role::leader);
  CHECK(engine.view().commit == engine.log().last().index);
  CHECK(engine.log().contains({{2}, {2}}));
}

TEST_CASE("what comes back of the lost majority is not heard by the survivor") {
  Fixture fixture;
  REQUIRE(fixture.refusal() == "");
  Engine engine({.self = {1}}, fixture.recovered(), Time{});
  const EngineView before = engine.view();

  engine.step(Message{.cluster = old_cluster,
                      .from = {2},
                      .to = {1},
                      .term = {900},
                      .body = AppendRequest{.previous = {{2}, {2}}}});

  CHECK(engine.view().hard_state == before.hard_state);
  CHECK(engine.view().dropped == before.dropped + 1);
}

TEST_CASE("while a quorum lives nothing is forced") {
  Fixture fixture;
  fixture.others.runs(2, {{2}, {2}});
  const Reply reply = fixture.force();

  REQUIRE(std::holds_alternative<Failure>(reply));
  CHECK(std::get<Failure>(reply).error == "quorum_lives");
  CHECK(std::get<Failure>(reply).detail.find("p2@host2:1") != std::string::npos);
  CHECK(fixture.unchanged());
  CHECK(fixture.notes.empty());
}

TEST_CASE("a peer that is stopped on a living node counts as living") {
  Fixture fixture;
  fixture.others.is_stopped(2);

  CHECK(fixture.refusal() == "quorum_lives");
}

TEST_CASE("a peer that lost its store does not count as living") {
  Fixture fixture;
  fixture.others.is_another(2);

  CHECK(fixture.refusal() == "");
}

TEST_CASE("while anybody follows a leader nothing is forced") {
  Fixture fixture(voters({1, 2, 3, 4, 5}));
  fixture.others.runs(2, {{2}, {2}}, "p3@host3:1");

  CHECK(fixture.refusal() == "cluster_lives");
  CHECK(fixture.unchanged());
}

TEST_CASE("the survivor that knows most is to be repaired, unless the operator knows better") {
  Fixture fixture(voters({1, 2, 3, 4, 5}));
  fixture.others.runs(2, {{2}, {3}});
  CHECK(fixture.refusal() == "behind");
  CHECK(fixture.unchanged());

  fixture.settings.even_if_behind = true;
  CHECK(fixture.refusal() == "");
}

TEST_CASE("a survivor whose log nobody can see may know more") {
  Fixture fixture(voters({1, 2, 3, 4, 5}));
  fixture.others.is_stopped(2);
  CHECK(fixture.refusal() == "unknown_log");

  fixture.others.runs(2, {{2}, {2}});
  CHECK(fixture.refusal() == "");
  CHECK(fixture.shown.find("Don't repair p2@host2:1 as well") != std::string::npos);
}

TEST_CASE("members that only a newer configuration names are asked, too") {
  Fixture fixture(voters({1, 2, 3}));
  fixture.others.runs(2, {{2}, {2}}, {}, voters({2, 4, 5}), {9});
  fixture.others.runs(4, {{9}, {9}}, "p4@host4:1", voters({2, 4, 5}), {9});

  CHECK(fixture.refusal() == "cluster_lives");
}

TEST_CASE("who decides alone needs no repair, and a second one changes nothing") {
  Fixture fixture;
  REQUIRE(fixture.refusal() == "");
  const Recovered once = fixture.recovered();

  CHECK(fixture.refusal() == "alone");
  CHECK(fixture.recovered().entries == once.entries);
}

TEST_CASE("who belongs to no cluster, or was removed from it, is not made one") {
  Fixture removed(voters({2, 3, 4}));
  CHECK(removed.refusal() == "removed");

  Fixture fresh;
  REQUIRE(!fresh.store->put_peer({.id = {9}, .name = "p9", .kind = "kv_store"}));
  fresh.settings.peer = "p9";
  CHECK(fresh.refusal() == "not_configured");
}

TEST_CASE("a peer that is not there is named, with those that are") {
  Fixture fixture;
  fixture.settings.peer = "p7";
  const Reply reply = fixture.force();

  REQUIRE(std::holds_alternative<Failure>(reply));
  CHECK(std::get<Failure>(reply).error == "no_peer");
  CHECK(std::get<Failure>(reply).detail.find("p1") != std::string::npos);
}

TEST_CASE("nothing is written before somebody has seen what is lost, and agreed") {
  Fixture fixture;
  fixture.confirmed = false;

  CHECK(fixture.refusal() == "not_confirmed");
  CHECK(fixture.unchanged());
  CHECK(fixture.shown.find("entries up to 2/2") != std::string::npos);
  CHECK(fixture.shown.find("p2@host2:1 is silent") != std::string::npos);
  CHECK(fixture.shown.find("lost, acknowledged or not") != std::string::npos);
}

TEST_CASE("a repair is noted before it is done, with the id of the cluster that was") {
  Fixture fixture;
  fixture.notes_fail = true;
  CHECK(fixture.refusal() == "disk_failed");
  CHECK(fixture.unchanged());

  fixture.notes_fail = false;
  fixture.notes.clear();
  CHECK(fixture.refusal() == "");
  REQUIRE(fixture.notes.size() == 2);
  CHECK(fixture.notes[0].find("cluster=000000000000004d") != std::string::npos);
  CHECK(fixture.notes[0].find("last=2/2") != std::string::npos);
  CHECK(fixture.notes[1].starts_with("done: "));
}

TEST_CASE("a survivor that was cut knows its configuration from its snapshot") {
  Recovered recovered{.hard_state = {.term = {4}, .cluster = old_cluster}, .before = {{3}, {60}}};
  recovered.snapshot = SnapshotHead{
      .place = {.id = {{3}, {60}}, .configuration = voters({1, 2, 3}), .configuration_index = {40}},
      .size_bytes = 1};

  const Survivor survivor = survivor_of({.id = {1}, .name = "p1"}, recovered);

  CHECK(survivor.configuration == voters({1, 2, 3}));
  CHECK(survivor.configuration_index == Index{40});
  CHECK(survivor.last == EntryId{{3}, {60}});
  const Write write = forced_write(survivor, new_cluster);
  CHECK(write.entries.at(0).id == EntryId{{5}, {61}});
  CHECK(write.hard_state.term == Term{5});
}

}  // namespace
}  // namespace troupe::shell
