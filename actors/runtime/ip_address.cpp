#include "actors/runtime/ip_address.hpp"

#include "core/assert.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

namespace troupe::actors {

namespace {

constexpr std::uint32_t loopback_network = 127;
constexpr std::uint32_t multicast_first = 224;
constexpr std::uint32_t multicast_last = 239;

Scope scope_of(std::uint32_t v4) {
  const std::uint32_t network = v4 >> 24;
  if (v4 == INADDR_ANY)
    return Scope::all_addresses;
  if (v4 == INADDR_BROADCAST)
    return Scope::broadcast;
  if (network >= multicast_first && network <= multicast_last)
    return Scope::multicast;
  return network == loopback_network ? Scope::loopback : Scope::one_machine;
}

Scope scope_of(const in6_addr& v6) {
  if (IN6_IS_ADDR_UNSPECIFIED(&v6))
    return Scope::all_addresses;
  if (IN6_IS_ADDR_LOOPBACK(&v6))
    return Scope::loopback;
  if (IN6_IS_ADDR_MULTICAST(&v6))
    return Scope::multicast;
  if (!IN6_IS_ADDR_V4MAPPED(&v6))
    return Scope::one_machine;
  std::uint32_t v4 = 0;
  std::memcpy(&v4, v6.s6_addr + 12, sizeof(v4));
  return scope_of(ntohl(v4));
}

/// The part of an address that holds the port.
template <class Address>
Address& as(IpAddress& address) {
  return reinterpret_cast<Address&>(address.where);
}

template <class Address>
const Address& as(const IpAddress& address) {
  return reinterpret_cast<const Address&>(address.where);
}

bool is_v6(const IpAddress& address) {
  return address.where.ss_family == AF_INET6;
}

}  // namespace

Scope scope_of(const IpAddress& address) {
  return is_v6(address) ? scope_of(as<sockaddr_in6>(address).sin6_addr)
                        : scope_of(ntohl(as<sockaddr_in>(address).sin_addr.s_addr));
}

bool can_be_dialed(Scope scope) {
  return scope == Scope::loopback || scope == Scope::one_machine;
}

std::string_view fault_of(Scope scope) {
  switch (scope) {
    case Scope::loopback:
    case Scope::one_machine:
      return "";
    case Scope::all_addresses:
      return "stands for all addresses of a machine";
    case Scope::multicast:
      return "stands for a group of machines";
    case Scope::broadcast:
      return "stands for all machines of a network";
  }
  return "";
}

std::uint16_t port_of(const IpAddress& address) {
  return ntohs(is_v6(address) ? as<sockaddr_in6>(address).sin6_port
                              : as<sockaddr_in>(address).sin_port);
}

IpAddress with_port(IpAddress address, std::uint16_t port) {
  (is_v6(address) ? as<sockaddr_in6>(address).sin6_port : as<sockaddr_in>(address).sin_port) =
      htons(port);
  return address;
}

std::optional<IpAddress> parse_ip(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  // The resolver of glibc takes "*" for no name at all.
  if (::getaddrinfo(host == "*" ? "0.0.0.0" : host.c_str(), nullptr, &hints, &list) != 0)
    return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  IpAddress address;
  TROUPE_ASSERT(list->ai_addrlen <= sizeof(address.where));
  std::memcpy(&address.where, list->ai_addr, list->ai_addrlen);
  address.size = list->ai_addrlen;
  return address;
}

}  // namespace troupe::actors
