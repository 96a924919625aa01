#include "actors/runtime/ip_address.hpp"

#include "actors/runtime/address.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace troupe::actors;

namespace {

const std::vector<std::string> all_addresses{"*",
                                             "0",
                                             "0.0",
                                             "0.0.0",
                                             "0.0.0.0",
                                             "00.0.0.0",
                                             "0x0",
                                             "0x0.0.0x00",
                                             "[::]",
                                             "[0::0]",
                                             "[::0.0.0.0]",
                                             "[0:0:0:0:0:0:0:0]",
                                             "[::ffff:0.0.0.0]",
                                             "[::ffff:0:0]"};
const std::vector<std::string> groups{"224.0.0.1", "239.255.255.255",    "0xe0000001",
                                      "[ff02::1]", "[::ffff:224.0.0.1]", "3758096385"};
const std::vector<std::string> broadcasts{"255.255.255.255", "0xffffffff", "4294967295",
                                          "[::ffff:255.255.255.255]"};
const std::vector<std::string> loopback{"127.0.0.1",       "127.1", "0x7f000001",
                                        "127.255.255.254", "[::1]", "[::ffff:127.0.0.1]"};
const std::vector<std::string> machines{"10.0.0.5", "1.2.3.4", "223.255.255.255", "[fe80::1]",
                                        "[::ffff:10.0.0.5]"};

/// As if it were bound, or resolved.
Scope scope_of_text(const std::string& host) {
  const auto address = parse_address(host + ":1");
  REQUIRE(address);
  const auto numbers = parse_ip(address->host);
  REQUIRE(numbers);
  return scope_of(*numbers);
}

}  // namespace

TEST_CASE("an address in numbers is judged by what it is, in every spelling") {
  const auto check = [](const std::vector<std::string>& hosts, Scope expected) {
    for (const std::string& host : hosts) {
      CAPTURE(host);
      CHECK(scope_of_text(host) == expected);
    }
  };

  check(all_addresses, Scope::all_addresses);
  check(groups, Scope::multicast);
  check(broadcasts, Scope::broadcast);
  check(loopback, Scope::loopback);
  check(machines, Scope::one_machine);
}

TEST_CASE("a name is no address in numbers") {
  for (const char* name : {"localhost", "a.example", "0.0.0.0.example", "**", "1.2.3.4.5", "0x"}) {
    CAPTURE(name);
    CHECK(!parse_ip(name));
  }
}

TEST_CASE("no peer is named after an address that nobody can dial") {
  for (const auto* hosts : {&all_addresses, &groups, &broadcasts})
    for (const std::string& host : *hosts) {
      CAPTURE(host);
      const std::string address = host + ":4001";
      CHECK(parse_address(address));
      CHECK(problem_of_address(address).ends_with(", so nobody can dial it"));
      CHECK(!parse_full_name("peer1@" + address));
      CHECK(problem_of_full_name("peer1@" + address) == "peer1@" + problem_of_address(address));
    }
  for (const auto* hosts : {&loopback, &machines})
    for (const std::string& host : *hosts)
      CHECK(problem_of_address(host + ":4001").empty());
  CHECK(problem_of_address("0.0.0.0:4001")
        == "0.0.0.0:4001 stands for all addresses of a machine, so nobody can dial it");
  CHECK(problem_of_address("localhost:0") == "localhost:0 is not HOST:PORT");
  CHECK(problem_of_full_name("peer1@localhost") == "peer1@localhost is not NAME@HOST:PORT");
}

TEST_CASE("the port of an address can be read and set") {
  for (const char* host : {"127.0.0.1", "::1"}) {
    const auto address = parse_ip(host);
    REQUIRE(address);
    CHECK(port_of(*address) == 0);
    CHECK(port_of(with_port(*address, 4001)) == 4001);
    CHECK(scope_of(with_port(*address, 4001)) == Scope::loopback);
  }
}
