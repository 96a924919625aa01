#include "shell/reply.hpp"

#include "machine/printable.hpp"
#include "machine/words.hpp"
#include "shell/words.hpp"

#include <doctest/doctest.h>

#include <random>
#include <span>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::shell;

namespace {

const Member peer1{.id = {30}, .name = "peer1", .address = "127.0.0.1:4001"};
const Member peer2{.id = {20}, .name = "peer2", .address = "127.0.0.1:4002"};
const Member peer3{.id = {10}, .name = "peer3", .address = "127.0.0.1:4003"};

const Configuration three = normalized({.voters = {peer1, peer2, peer3}});
const Configuration joint =
    normalized({.voters = {peer1}, .old_voters = {peer2, peer1}, .learners = {peer3}});

wire::PeerStatus status(const Configuration& configuration, std::string leader) {
  return {.name = "peer1@127.0.0.1:4001",
          .kind = "kv_store",
          .role = Role::follower,
          .leader = std::move(leader),
          .term = {2},
          .commit = {4},
          .applied = {3},
          .last = {.term = {2}, .index = {5}},
          .configuration = configuration,
          .configuration_index = {1},
          .store_bytes = 4096,
          .first = {1}};
}

struct Case {
  Reply reply{};
  std::string text{};
  std::string json{};
};

const Configuration policed =
    normalized({.voters = {peer1},
                .old_voters = {},
                .learners = {},
                .standbys = {peer3, peer2},
                .keep = {.count = 3, .after = std::chrono::milliseconds(2500)}});

const std::vector<Case> cases{
    {Done{}, "ok", R"({"ok":true,"value":null})"},
    {Started{"peer1@127.0.0.1:4001"}, "ok peer1@127.0.0.1:4001",
     R"({"ok":true,"value":"peer1@127.0.0.1:4001"})"},
    {Leader{"peer1@127.0.0.1:4001"}, "peer1@127.0.0.1:4001",
     R"({"ok":true,"value":"peer1@127.0.0.1:4001"})"},
    {Leader{}, "none", R"({"ok":false,"error":"no_leader","value":null})"},
    {Answer{"foo bar"}, "ok foo bar", R"({"ok":true,"value":"foo bar"})"},
    {Answer{}, "ok", R"({"ok":true,"value":""})"},
    {Peers{{"peer1", "peer2"}}, "ok peer1 peer2", R"({"ok":true,"value":["peer1","peer2"]})"},
    {Peers{}, "ok", R"({"ok":true,"value":[]})"},
    {three, "ok voters=peer1@127.0.0.1:4001,peer2@127.0.0.1:4002,peer3@127.0.0.1:4003",
     R"({"ok":true,"value":{"voters":["peer1@127.0.0.1:4001","peer2@127.0.0.1:4002",)"
     R"("peer3@127.0.0.1:4003"],"old_voters":[],"learners":[],"standbys":[],"keep_voters":null}})"},
    {joint,
     "ok voters=peer1@127.0.0.1:4001 old_voters=peer1@127.0.0.1:4001,peer2@127.0.0.1:4002 "
     "learners=peer3@127.0.0.1:4003",
     R"({"ok":true,"value":{"voters":["peer1@127.0.0.1:4001"],)"
     R"("old_voters":["peer1@127.0.0.1:4001","peer2@127.0.0.1:4002"],)"
     R"("learners":["peer3@127.0.0.1:4003"],"standbys":[],"keep_voters":null}})"},
    {policed,
     "ok voters=peer1@127.0.0.1:4001 standbys=peer2@127.0.0.1:4002,peer3@127.0.0.1:4003 "
     "keep_voters=3 after_ms=2500",
     R"({"ok":true,"value":{"voters":["peer1@127.0.0.1:4001"],"old_voters":[],"learners":[],)"
     R"("standbys":["peer2@127.0.0.1:4002","peer3@127.0.0.1:4003"],)"
     R"("keep_voters":{"count":3,"after_ms":2500}}})"},
    {status({}, ""),
     "ok name=peer1@127.0.0.1:4001 kind=kv_store role=follower leader=none term=2 commit=4 "
     "applied=3 last_index=5 last_term=2 configuration_index=1 voters=none "
     "read_rounds=0 store_bytes=4096 first_index=1 holes=0 cleaned_upto=0 log_bytes=0 "
     "snapshot_index=0 snapshot_bytes=0",
     R"({"ok":true,"value":{"name":"peer1@127.0.0.1:4001","kind":"kv_store","role":"follower",)"
     R"("leader":null,"term":2,"commit":4,"applied":3,"last_index":5,"last_term":2,)"
     R"("configuration_index":1,"configuration":{"voters":[],"old_voters":[],"learners":[],)"
     R"("standbys":[],"keep_voters":null},)"
     R"("lease_ms":null,"read_rounds":0,"disk_stalls":false,"disk_full":false,"quiet":false,)"
     R"("set_back":false,"store_bytes":4096,)"
     R"("first_index":1,"holes":0,"cleaned_upto":0,"log_bytes":0,"snapshot_index":0,)"
     R"("snapshot_bytes":0,"taking":null,"receiving":null,"followers":[]}})"},
    {status(normalized({.voters = {peer1}}), "peer1@127.0.0.1:4001"),
     "ok name=peer1@127.0.0.1:4001 kind=kv_store role=follower leader=peer1@127.0.0.1:4001 term=2 "
     "commit=4 applied=3 last_index=5 last_term=2 configuration_index=1 "
     "voters=peer1@127.0.0.1:4001 read_rounds=0 store_bytes=4096 first_index=1 holes=0 "
     "cleaned_upto=0 log_bytes=0 snapshot_index=0 snapshot_bytes=0",
     R"({"ok":true,"value":{"name":"peer1@127.0.0.1:4001","kind":"kv_store","role":"follower",)"
     R"("leader":"peer1@127.0.0.1:4001","term":2,"commit":4,"applied":3,"last_index":5,)"
     R"("last_term":2,"configuration_index":1,"configuration":)"
     R"({"voters":["peer1@127.0.0.1:4001"],"old_voters":[],"learners":[],)"
     R"("standbys":[],"keep_voters":null},"lease_ms":null,"read_rounds":0,)"
     R"("disk_stalls":false,"disk_full":false,"quiet":false,"set_back":false,)"
     R"("store_bytes":4096,)"
     R"("first_index":1,"holes":0,"cleaned_upto":0,"log_bytes":0,"snapshot_index":0,)"
     R"("snapshot_bytes":0,"taking":null,"receiving":null,"followers":[]}})"},
    {wire::TakenSnapshot{.id = {{2}, {40}}, .size_bytes = 1234}, "ok 40 1234",
     R"({"ok":true,"value":{"index":40,"bytes":1234}})"},
    {ShownEntry{
         .id = {.term = {1}, .index = {2}}, .kind = EntryKind::command, .payload = "set foo bar"},
     "ok index=2 term=1 kind=command payload=set foo bar",
     R"({"ok":true,"value":{"index":2,"term":1,"kind":"command","payload":"set foo bar"}})"},
    {ShownEntry{.id = {.term = {1}, .index = {2}}, .kind = EntryKind::noop, .payload = {}},
     "ok index=2 term=1 kind=noop",
     R"({"ok":true,"value":{"index":2,"term":1,"kind":"noop","payload":null}})"},
    {ShownEntry{.id = {.term = {1}, .index = {1}},
                .kind = EntryKind::configuration,
                .payload = normalized({.voters = {peer1}})},
     "ok index=1 term=1 kind=configuration payload=voters=peer1@127.0.0.1:4001",
     R"({"ok":true,"value":{"index":1,"term":1,"kind":"configuration","payload":)"
     R"({"voters":["peer1@127.0.0.1:4001"],"old_voters":[],"learners":[],)"
     R"("standbys":[],"keep_voters":null}}})"},
    {Manual{"leader PEER\nstatus PEER"}, "leader PEER\nstatus PEER",
     R"({"ok":true,"value":"leader PEER\nstatus PEER"})"},
    {Redirect{"peer3@127.0.0.1:4003"}, "error redirect peer3@127.0.0.1:4003",
     R"({"ok":false,"error":"redirect","leader":"peer3@127.0.0.1:4003"})"},
    {Redirect{}, "error redirect none", R"({"ok":false,"error":"redirect","leader":null})"},
    {Failure{"key_not_found", ""}, "error key_not_found",
     R"({"ok":false,"error":"key_not_found"})"},
    {Failure{"usage", "leader PEER"}, "usage: leader PEER",
     R"({"ok":false,"error":"usage","detail":"leader PEER"})"},
    {Failure{"usage", ""}, "error usage", R"({"ok":false,"error":"usage"})"},
    {Failure{"unknown_command", "frobnicate"}, "error unknown_command frobnicate (try help)",
     R"({"ok":false,"error":"unknown_command","detail":"frobnicate"})"},
};

}  // namespace

TEST_CASE("every reply has one line of text and one of JSON") {
  for (const Case& each : cases) {
    CHECK(as_text(each.reply) == each.text);
    CHECK(as_json(each.reply) == each.json);
  }
}

TEST_CASE("what a node refuses is an error, said by its word and what it is about") {
  struct {
    Refusal refusal;
    std::string detail, subject, text, json;
  } const refusals[] = {
      {Refusal::redirect, "peer3@c:1", "a:1", "error redirect peer3@c:1",
       R"({"ok":false,"error":"redirect","leader":"peer3@c:1"})"},
      {Refusal::redirect, "", "a:1", "error redirect none",
       R"({"ok":false,"error":"redirect","leader":null})"},
      {Refusal::election_in_progress, "", "a:1", "error election_in_progress",
       R"({"ok":false,"error":"election_in_progress"})"},
      {Refusal::must_be_in_consensus_group, "peer1 is missing", "a:1",
       "error must_be_in_consensus_group", R"({"ok":false,"error":"must_be_in_consensus_group"})"},
      {Refusal::already_started, "peer1", "a:1", "error already_started",
       R"({"ok":false,"error":"already_started"})"},
      {Refusal::no_peer, "peer1", "a:1", "error no_peer peer1@a:1",
       R"({"ok":false,"error":"no_peer","detail":"peer1@a:1"})"},
      {Refusal::no_peer, "peer2@b:1", "a:1", "error no_peer peer2@b:1",
       R"({"ok":false,"error":"no_peer","detail":"peer2@b:1"})"},
      {Refusal::no_peer, "peer1", "", "error no_peer peer1",
       R"({"ok":false,"error":"no_peer","detail":"peer1"})"},
      {Refusal::no_peer, "", "a:1", "error no_peer", R"({"ok":false,"error":"no_peer"})"},
      {Refusal::not_found, "", "a:1", "error not_found", R"({"ok":false,"error":"not_found"})"},
      {Refusal::timeout, "", "a:1", "error timeout", R"({"ok":false,"error":"timeout"})"},
      {Refusal::unreachable, "", "127.0.0.1:4001", "error unreachable 127.0.0.1:4001",
       R"({"ok":false,"error":"unreachable","detail":"127.0.0.1:4001"})"},
      {Refusal::unreachable, "127.0.0.1:4001", "localhost:4001", "error unreachable 127.0.0.1:4001",
       R"({"ok":false,"error":"unreachable","detail":"127.0.0.1:4001"})"},
      {Refusal::unknown_kind, "", "queue", "error unknown_kind queue",
       R"({"ok":false,"error":"unknown_kind","detail":"queue"})"},
      {Refusal::resource, "key_not_found", "a:1", "error key_not_found",
       R"({"ok":false,"error":"key_not_found"})"},
      {Refusal::disk_failed, "data.mdb: no such file", "a:1",
       "error disk_failed data.mdb: no such file",
       R"({"ok":false,"error":"disk_failed","detail":"data.mdb: no such file"})"},
  };
  for (const auto& each : refusals) {
    const Reply reply = refused(each.refusal, each.detail, each.subject);
    CHECK(as_text(reply) == each.text);
    CHECK(as_json(reply) == each.json);
    CHECK_FALSE(is_ok(reply));
  }
}

TEST_CASE("a reply stays on its line, whatever bytes it holds") {
  CHECK(as_text(Answer{"a\nb\tc\x1b[1m\x7f"}) == "ok $'a\\nb\\tc\\x1b[1m\\x7f'");
  CHECK(as_text(Answer{"größer"}) == "ok größer");
  CHECK(as_text(Answer{"\x07"}) != as_text(Answer{"\\x07"}));
  CHECK(as_text(Answer{"\xc2\x9b"
                       "31m"})
        == "ok $'\\xc2\\x9b31m'");
  CHECK(as_text(Answer{"it's"}) == R"(ok 'it'\''s')");
  CHECK(as_text(Failure{"unknown_command", "\x07"}) == "error unknown_command $'\\a' (try help)");
  CHECK(as_text(Redirect{"\x1b[2J"}) == "$'error redirect \\x1b[2J'");
  CHECK(as_json(Answer{"a\nb"}) == R"({"ok":true,"value":"a\nb"})");
  CHECK(as_json(Answer{"\xc2\x9b\x7f"}) == R"({"ok":true,"value":"\u009b\u007f"})");
}

TEST_CASE("bytes that are not text are base64 in JSON, wherever they stand") {
  CHECK(as_json(Answer{"\xff"}) == R"({"ok":true,"value_base64":"/w=="})");
  CHECK(as_json(Answer{"\xfe"}) == R"({"ok":true,"value_base64":"/g=="})");
  CHECK(as_json(Answer{"a\xff\xfe"}) == R"({"ok":true,"value_base64":"Yf/+"})");
  CHECK(as_json(Answer{"ab\xff\xfe"}) == R"({"ok":true,"value_base64":"YWL//g=="})");
  CHECK(as_json(Answer{"\uFFFD"}) == "{\"ok\":true,\"value\":\"\uFFFD\"}");
  CHECK(as_json(Failure{"\xff", "\xc0\x80"})
        == R"({"ok":false,"error_base64":"/w==","detail_base64":"wIA="})");
  CHECK(as_json(Peers{{"a", "\xff"}}) == R"({"ok":true,"value":["a",{"base64":"/w=="}]})");
  CHECK(
      as_json(ShownEntry{
          .id = {.term = {1}, .index = {2}}, .kind = EntryKind::command, .payload = "\xed\xa0\x80"})
      == R"({"ok":true,"value":{"index":2,"term":1,"kind":"command",)"
         R"("payload_base64":"7aCA"}})");
}

TEST_CASE("the text of a value is read back by the shell's own quoting") {
  std::mt19937_64 random(2);
  const std::string_view hard = "\x07\\x07ab'\"$;# \n\r\t\x1b\x7f\xc2\x9b\xff\xfe\xe2\x80\xae";
  for (int i = 0; i < 50000; ++i) {
    std::string value;
    for (std::size_t left = random() % 8; left > 0; --left)
      value += random() % 4 != 0 ? hard[random() % hard.size()] : static_cast<char>(random());
    const std::string text = as_text(Answer{value});
    CAPTURE(text);
    REQUIRE(machine::is_printable(text));
    const Result<std::vector<Words>> read = split(text);
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    std::string again;
    for (const std::string& word : std::span(read->front()).subspan(1))
      again += (&word == &(*read)[0][1] ? "" : " ") + word;
    REQUIRE(again == value);
  }
}

TEST_CASE("words that are quoted already are read back, and control no terminal all the same") {
  const Words words{"a", "b c", "it's", "\x1b[2J", "(more: none)", ""};

  const Result<std::vector<Words>> read = split(as_text(Answer{machine::joined(words), true}));

  REQUIRE(read);
  CHECK(Words(read->front().begin() + 1, read->front().end()) == words);
  CHECK(machine::is_printable(as_text(Answer{"'\x1b[2J'", true})));
  CHECK(as_json(Answer{"a 'b c'", true}) == R"({"ok":true,"value":"a 'b c'"})");
}

TEST_CASE("redirects, failures and the lack of a leader are errors, and nothing else is") {
  for (const Case& each : cases)
    CHECK(is_ok(each.reply) == (each.json.find("\"ok\":true") != std::string::npos));
}

TEST_CASE("a status shows a lease, and a disk that stalls") {
  wire::PeerStatus leading = status({}, "");
  leading.lease_ms = 120;
  leading.read_rounds = 7;
  leading.disk_stalls = true;

  const std::string text = as_text(leading);
  const std::string json = as_json(leading);

  CHECK(text.find(" lease_ms=120 read_rounds=7 disk=stalls ") != std::string::npos);
  CHECK(json.find(R"("lease_ms":120,"read_rounds":7,"disk_stalls":true,"disk_full":false,)")
        != std::string::npos);
}

TEST_CASE("a status shows a full disk, rather than that it stalls for it") {
  wire::PeerStatus full = status({}, "");
  full.disk_full = full.disk_stalls = true;

  CHECK(as_text(full).find(" disk=full ") != std::string::npos);
  CHECK(as_json(full).find(R"("disk_stalls":true,"disk_full":true,)") != std::string::npos);
}

TEST_CASE("a status shows the snapshots that are on their way, here and to followers") {
  wire::PeerStatus sending = status({}, "");
  sending.first = {31};
  sending.snapshot = {.term = {2}, .index = {40}};
  sending.snapshot_bytes = 1234;
  sending.taking = {.index = {45}, .percent = 30};
  sending.receiving = {.index = {50}, .percent = 100};
  sending.followers = {{.name = "peer2@127.0.0.1:4002",
                        .match = {3},
                        .next = {41},
                        .pace = Pace::probe,
                        .in_flight_bytes = 512,
                        .heard_ms = 7,
                        .snapshot_sent = 600,
                        .snapshot_bytes = 1234},
                       {.name = "peer3@127.0.0.1:4003", .pace = Pace::replicate}};

  const std::string text = as_text(sending);
  const std::string json = as_json(sending);

  CHECK(text.ends_with(
      " first_index=31 holes=0 cleaned_upto=0 log_bytes=0 snapshot_index=40 snapshot_bytes=1234 "
      "taking=45:30% receiving=50:100%"
      " follower=peer2@127.0.0.1:4002;match=3;next=41;pace=probe;in_flight=512;heard_ms=7"
      ";snapshot=600/1234"
      " follower=peer3@127.0.0.1:4003;match=0;next=0;pace=replicate;in_flight=0;heard_ms=0"));
  CHECK(json.ends_with(
      R"("taking":{"index":45,"percent":30},"receiving":{"index":50,"percent":100},"followers":[)"
      R"({"name":"peer2@127.0.0.1:4002","match":3,"next":41,"pace":"probe","in_flight_bytes":512,)"
      R"("heard_ms":7,"snapshot_sent":600,"snapshot_bytes":1234,)"
      R"("set_back":false,"acknowledged":0,"disk_lost":false},)"
      R"({"name":"peer3@127.0.0.1:4003","match":0,"next":0,"pace":"replicate",)"
      R"("in_flight_bytes":0,"heard_ms":0,"snapshot_sent":0,"snapshot_bytes":0,)"
      R"("set_back":false,"acknowledged":0,"disk_lost":false}]}})"));
}

TEST_CASE("a status and the members show whose disk was set back") {
  wire::PeerStatus leads = status({}, "");
  leads.followers = {{.name = "peer2@127.0.0.1:4002", .set_back = true, .acknowledged = {5}}};
  CHECK(as_text(leads).ends_with(";heard_ms=0;set_back=yes;acknowledged=5"));
  CHECK(as_json(leads).ends_with(R"("set_back":true,"acknowledged":5,"disk_lost":false}]}})"));
  wire::PeerStatus itself = status({}, "");
  itself.set_back = itself.disk_full = true;
  CHECK(as_text(itself).find(" disk=set_back ") != std::string::npos);
  CHECK(as_json(itself).find(R"("set_back":true,"store_bytes")") != std::string::npos);
  const Members members{.set_back = {"peer2@127.0.0.1:4002", "peer3@127.0.0.1:4003"}};
  CHECK(as_text(members) == "ok voters=none set_back=peer2@127.0.0.1:4002,peer3@127.0.0.1:4003");
  CHECK(as_json(members).ends_with(
      R"("set_back":["peer2@127.0.0.1:4002","peer3@127.0.0.1:4003"],"disk_lost":[]}})"));
  CHECK(as_text(Members{}) == "ok voters=none");
}

TEST_CASE("a status and the members show whose disk was lost") {
  wire::PeerStatus leads = status({}, "");
  leads.followers = {{.name = "peer2@127.0.0.1:4002", .disk_lost = true}};
  CHECK(as_text(leads).ends_with(";heard_ms=0;disk_lost=yes"));
  CHECK(as_json(leads).ends_with(R"("disk_lost":true}]}})"));
  const Members members{.disk_lost = {"peer2@127.0.0.1:4002"}};
  CHECK(as_text(members) == "ok voters=none disk_lost=peer2@127.0.0.1:4002");
  CHECK(as_json(members).ends_with(R"("set_back":[],"disk_lost":["peer2@127.0.0.1:4002"]}})"));
}
