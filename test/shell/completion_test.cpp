#include "shell/completion.hpp"

#include <doctest/doctest.h>

using namespace troupe::shell;

namespace {

const Vocabulary vocabulary{.peers = {"peer2@b:1", "peer1", "peer1@a:1"},
                            .kinds = {"kv_store", "counter"}};

std::vector<std::string> choices(std::string_view line) {
  return complete(line, vocabulary).choices;
}

std::string addition(std::string_view line) {
  return complete(line, vocabulary).addition();
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the first word of a command is completed to a command") {
  CHECK(choices("st") == Words{"start_peer", "status", "stop_peer"});
  CHECK(choices("leader peer1; st") == Words{"start_peer", "status", "stop_peer"});
  CHECK(choices("help sta") == Words{"start_peer", "status"});
  CHECK(choices("").size() > 5);
}

TEST_CASE("peers and kinds are completed where they stand") {
  CHECK(choices("leader ") == Words{"peer1", "peer1@a:1", "peer2@b:1"});
  CHECK(choices("leader peer2") == Words{"peer2@b:1"});
  CHECK(choices("start_peer ") == Words{"counter", "kv_store"});
  CHECK(choices("set_configuration peer1 peer1 pe") == Words{"peer1", "peer1@a:1", "peer2@b:1"});
  CHECK(choices("promote peer1 peer2") == Words{"peer2@b:1"});
  CHECK(choices("add_member peer1 peer2@b:1 --") == Words{"--learner", "--standby"});
  CHECK(choices("keep_voters peer1 3 ") == Words{"--after"});
  CHECK(choices("write peer1 s").empty());
  CHECK(choices("leader nobody").empty());
}

TEST_CASE("the level of a read is completed before the words of the query") {
  CHECK(choices("read peer1 --") == Words{"--lease", "--linearizable", "--sequential"});
  CHECK(choices("read peer1 get foo --").empty());
  CHECK(choices("read --s") == Words{"--sequential"});
  CHECK(choices("read p") == Words{"peer1", "peer1@a:1", "peer2@b:1"});
  CHECK(choices("write peer1 set foo --").empty());
}

TEST_CASE("what all choices share is added, and a blank behind the only one") {
  CHECK(addition("l") == "eader ");
  CHECK(addition("st") == "");
  CHECK(addition("sta") == "");
  CHECK(addition("star") == "t_peer ");
  CHECK(addition("leader p") == "eer");
  CHECK(addition("leader peer2") == "@b:1 ");
  CHECK(addition("leader nobody") == "");
}
