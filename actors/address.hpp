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

/// What `parse_address` reads back.
std::string to_text(const Address& address);

/// A peer as users write it: "peer1@127.0.0.1:4001".
struct FullName {
  std::string name{};     ///< "peer1". Never empty, at most 64 characters.
  std::string address{};  ///< "127.0.0.1:4001", which `parse_address` accepts; the port is not 0.
  friend bool operator==(const FullName&, const FullName&) = default;
};

/// `nullopt` unless `text` is a name, `@` and an address to dial.
std::optional<FullName> parse_full_name(std::string_view text);

std::string to_text(const FullName& peer);

}  // namespace troupe::actors
