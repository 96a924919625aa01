#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::actors {

/// Where a node listens: "127.0.0.1:4001", "node-a.example:4001", "[::1]:4001".
struct Address {
  std::string host{};  ///< Without the brackets of an IPv6 address. Never empty.
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};

/// `nullopt` unless `text` is a host of at most 255 characters without blanks, `@` or `/`, a colon
/// and a port in digits. Port 0 is an address to listen on, not one to dial.
std::optional<Address> parse_address(std::string_view text);

/// Why no other node could dial `text`, as far as it tells by itself; empty if it can be one that
/// is dialed. Not of the form host:port, port 0, or an address in numbers that stands for more than
/// one machine, in any spelling: "0.0.0.0", "0x0", "[::ffff:0.0.0.0]", "*". A name may lead to one
/// of these, too: `dial` refuses them.
std::string problem_of_address(std::string_view text);

/// What `parse_address` reads back.
std::string to_text(const Address& address);

/// A peer as users write it: "peer1@127.0.0.1:4001".
struct FullName {
  std::string name{};     ///< "peer1". Never empty, at most 64 characters.
  std::string address{};  ///< "127.0.0.1:4001", of which `problem_of_address` knows no problem.
  friend bool operator==(const FullName&, const FullName&) = default;
};

/// `nullopt` unless `text` is a name, `@` and an address to dial.
std::optional<FullName> parse_full_name(std::string_view text);

/// Why `parse_full_name` does not take `text`, or empty.
std::string problem_of_full_name(std::string_view text);

std::string to_text(const FullName& peer);

}  // namespace troupe::actors
