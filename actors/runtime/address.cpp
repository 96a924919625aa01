#include "actors/runtime/address.hpp"

#include "actors/runtime/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace troupe::actors {

namespace {

constexpr std::size_t host_size_max = 255;  // What DNS allows, and more than an IPv6 address needs.
constexpr std::size_t name_size_max = 64;

bool valid_host_character(char c) {
  return c > ' ' && c != 0x7f && c != '@' && c != '/' && c != '[' && c != ']';
}

bool valid_host(std::string_view host) {
  return !host.empty() && host.size() <= host_size_max
         && std::ranges::all_of(host, valid_host_character);
}

bool valid_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '-' || c == '.';
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return port;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  // "::1:4001" could be a host of its own: an IPv6 address needs its brackets.
  if (!valid_host(host) || bracketed != (host.find(':') != std::string_view::npos))
    return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port)
    return std::nullopt;
  return Address{.host = std::string(host), .port = *port};
}

std::string problem_of_address(std::string_view text) {
  const std::optional<Address> address = parse_address(text);
  if (!address || address->port == 0)
    return std::string(text) + " is not HOST:PORT";
  const std::optional<IpAddress> numbers = parse_ip(address->host);
  const Scope scope = numbers ? scope_of(*numbers) : Scope::one_machine;
  if (can_be_dialed(scope))
    return {};
  return std::string(text) + " " + std::string(fault_of(scope)) + ", so nobody can dial it";
}

std::string to_text(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::optional<FullName> parse_full_name(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos)
    return std::nullopt;
  const std::string_view name = text.substr(0, at);
  if (name.empty() || name.size() > name_size_max
      || !std::ranges::all_of(name, valid_name_character))
    return std::nullopt;
  const std::string_view where = text.substr(at + 1);
  if (!problem_of_address(where).empty())
    return std::nullopt;
  return FullName{.name = std::string(name), .address = std::string(where)};
}

std::string problem_of_full_name(std::string_view text) {
  if (parse_full_name(text))
    return {};
  const std::size_t at = text.find('@');
  const std::string_view where = at == std::string_view::npos ? "" : text.substr(at + 1);
  if (parse_address(where) && !problem_of_address(where).empty())
    return std::string(text.substr(0, at + 1)) + problem_of_address(where);
  return std::string(text) + " is not NAME@HOST:PORT";
}

std::string to_text(const FullName& peer) {
  return peer.name + "@" + peer.address;
}

}  // namespace troupe::actors
