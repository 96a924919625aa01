#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::actors {

/// An IP address as sockets have it, and a port.
struct IpAddress {
  sockaddr_storage where{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&where); }
};

/// The machines that an IP address stands for. An IPv4 address in IPv6's clothes (::ffff:1.2.3.4)
/// is judged as what it is.
enum class Scope : std::uint8_t {
  loopback,       ///< 127.0.0.0/8 or ::1: this machine alone can dial it.
  one_machine,    ///< Any other machine, or this one under another address.
  all_addresses,  ///< 0.0.0.0 or ::. To be listened on; to dial it means to dial oneself.
  multicast,
  broadcast,
};

Scope scope_of(const IpAddress& address);

/// Whether a node can be dialed there. A peer is never named after an address that is not.
bool can_be_dialed(Scope scope);

/// What is wrong with a scope that cannot be dialed: "stands for all addresses of a machine".
std::string_view fault_of(Scope scope);

std::uint16_t port_of(const IpAddress& address);
IpAddress with_port(IpAddress address, std::uint16_t port);

/// The address that `host` spells in numbers, in any way that the system's resolver takes: "::1",
/// "127.0.0.1", also "0x7f.1", "0" and "*". `nullopt` of a name. Asks nobody.
std::optional<IpAddress> parse_ip(const std::string& host);

}  // namespace troupe::actors
