#include "actors/runtime/address.hpp"

#include "actors/client/leader_guess.hpp"
#include "actors/runtime/logger.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe::actors;

TEST_CASE("an address is a host, a colon and a port") {
  const auto address = parse_address("127.0.0.1:4001");

  REQUIRE(address);
  CHECK(address->host == "127.0.0.1");
  CHECK(address->port == 4001);
  CHECK(to_text(*address) == "127.0.0.1:4001");
}

TEST_CASE("an IPv6 address stands in brackets") {
  const auto address = parse_address("[::1]:4001");

  REQUIRE(address);
  CHECK(address->host == "::1");
  CHECK(to_text(*address) == "[::1]:4001");
  CHECK(!parse_address("::1:4001"));
  CHECK(!parse_address("[localhost]:4001"));
}

TEST_CASE("what is not quite an address is none") {
  for (const std::string text :
       {"", ":", "localhost", "localhost:", ":4001", "localhost:x", "localhost:65536",
        "localhost:-1", "localhost:+1", "local host:1", "a@b:1", "a/b:1", "localhost:1 ", "[]:1"}) {
    CAPTURE(text);
    CHECK(!parse_address(text));
  }
  CHECK(!parse_address(std::string(256, 'a') + ":1"));
  CHECK(parse_address("localhost:0"));
}

TEST_CASE("a full name is a peer's name at an address that can be dialed") {
  const auto peer = parse_full_name("peer1@127.0.0.1:4001");

  REQUIRE(peer);
  CHECK(peer->name == "peer1");
  CHECK(peer->address == "127.0.0.1:4001");
  CHECK(to_text(*peer) == "peer1@127.0.0.1:4001");
  for (const std::string text : {"peer1", "peer1@", "@127.0.0.1:4001", "peer1@localhost:0",
                                 "peer 1@localhost:1", "p@q@localhost:1"}) {
    CAPTURE(text);
    CHECK(!parse_full_name(text));
  }
}

TEST_CASE("a log line is fields, event and nothing that could pass for another line") {
  CHECK(log_text("became_leader", {{"peer", "peer1"}, {"term", 7}})
        == "peer=peer1 term=7 event=became_leader");
  CHECK(log_text("refused", {{"why", "no \"hello\"\nevent=forged"}})
        == "why=\"no \\\"hello\\\"\\x0aevent=forged\" event=refused");
  CHECK(log_text("empty", {{"node", ""}}) == "node=\"\" event=empty");
}

TEST_CASE("log levels have names") {
  CHECK(parse_log_level("debug") == LogLevel::debug);
  CHECK(parse_log_level("off") == LogLevel::off);
  CHECK(!parse_log_level("verbose"));
}

TEST_CASE("a client asks one peer after the other, and whoever is named leader") {
  const FullName a{"a", "h:1"}, b{"b", "h:2"}, stranger{"c", "h:3"};
  LeaderGuess guess({a, b});
  CHECK(guess.target() == a);

  guess.move_on(a);
  CHECK(guess.target() == b);
  guess.move_on(a);  // Asked before, failed late.
  CHECK(guess.target() == b);
  guess.move_on(b);
  CHECK(guess.target() == a);

  guess.follow(stranger);
  CHECK(guess.target() == stranger);
  guess.move_on(stranger);
  CHECK(guess.target() == b);
}

TEST_CASE("a peer that names one who does not lead keeps a client from nobody else") {
  const FullName a{"a", "h:1"}, b{"b", "h:2"}, leader{"c", "h:3"};
  // b was removed under a leader a, and has heard nothing since; a was removed later, and knows.
  LeaderGuess guess({a, b, leader});
  guess.move_on(a);
  REQUIRE(guess.target() == b);
  guess.follow(a);

  guess.move_on(a);

  CHECK(guess.target() == leader);
}

TEST_CASE("who has just failed is not asked next because it is the next in turn") {
  const FullName a{"a", "h:1"}, b{"b", "h:2"}, c{"c", "h:3"};
  LeaderGuess guess({a, b, c});
  guess.follow(b);

  guess.move_on(b);

  CHECK(guess.target() == c);
}
