#include "shell/log_command.hpp"

#include "resources/kv_store/kv_store.hpp"
#include "wire/command.hpp"

#include <doctest/doctest.h>

using namespace troupe;

TEST_CASE("a store is printed as a line for each peer and each of its entries") {
  const Configuration one = normalized({.voters = {{{0xab}, "peer1", "a:1"}}});
  const std::string set = resources::kv_store::set("foo", "bar");
  storage::StoreDump::Peer peer;
  peer.record = {.id = {0xab}, .name = "peer1", .kind = "kv_store", .running = true};
  peer.recovered.hard_state = {
      .term = {2}, .voted_for = {}, .cluster = {0xfedcba9876543210}, .horizon = {4}};
  peer.recovered.entries = {
      {{.term = {1}, .index = {1}}, EntryKind::configuration, Bytes::copy_of(encode(one))},
      {{.term = {1}, .index = {2}}, EntryKind::command, wire::encode_command(machine::bytes(set))},
      {{.term = {2}, .index = {3}}, EntryKind::noop, {}},
      {{.term = {2}, .index = {4}}, EntryKind::released, {}}};
  peer.recovered.snapshot =
      SnapshotHead{.place = {.id = {.term = {1}, .index = {2}}}, .size_bytes = 500, .hash = 0x12};
  storage::StoreDump dump;
  dump.peers.push_back(peer);

  const std::vector<std::string> lines =
      shell::lines_of(dump, machine::kinds({resources::kv_store_kind()}));

  CHECK(lines
        == std::vector<std::string>{
            R"({"peer":"peer1","id":"00000000000000ab","kind":"kv_store","running":true,"term":2,)"
            R"("voted_for":null,"cluster":"fedcba9876543210","first":1,"entries":4,"holes":1,)"
            R"("horizon":4,"snapshot":{"term":1,"index":2,"bytes":500,"hash":"0000000000000012"}})",
            R"({"peer":"peer1","index":1,"term":1,"kind":"configuration","payload":)"
            R"({"voters":["peer1@a:1"],"old_voters":[],"learners":[],)"
            R"("standbys":[],"keep_voters":null}})",
            R"({"peer":"peer1","index":2,"term":1,"kind":"command","payload":"set foo bar"})",
            R"({"peer":"peer1","index":3,"term":2,"kind":"noop","payload":null})",
            R"({"peer":"peer1","index":4,"term":2,"kind":"released","payload":null})"});
}
