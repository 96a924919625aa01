#include "actors/transport/socket.hpp"

#include "actors/runtime/resolver.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <vector>

namespace troupe::actors {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int backlog_max = 512;
constexpr std::chrono::milliseconds poll_slice{50};

constexpr unsigned unacknowledged_ms_max = 5000;
constexpr int keepalive_idle_seconds = 5;
constexpr int keepalive_interval_seconds = 1;
constexpr int keepalive_probes = 3;

std::string error_text(int code) {
  return std::generic_category().message(code);
}

template <class T>
void set_option(int fd, int level, int option, T value) {
  // Each of these is a precaution: a kernel that refuses one still has a connection that works.
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof(value)));
}

constexpr std::chrono::seconds listen_resolve_timeout{5};

Socket open_socket(const IpAddress& where) {
  return Socket(
      ::socket(where.where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

/// Where the socket is, which a name or a port of 0 does not tell.
std::optional<IpAddress> bound_address(int fd) {
  IpAddress bound;
  bound.size = sizeof(bound.where);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.where), &bound.size) != 0)
    return std::nullopt;
  return bound;
}

/// Dialing a free port of the range that the kernel takes source ports from can reach ourselves:
/// then we would hold the very port that the node over there wants to listen on.
bool connected_to_itself(int fd) {
  sockaddr_storage here{};
  sockaddr_storage there{};
  socklen_t here_size = sizeof(here);
  socklen_t there_size = sizeof(there);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &here_size) != 0
      || ::getpeername(fd, reinterpret_cast<sockaddr*>(&there), &there_size) != 0)
    return false;
  return here_size == there_size && std::memcmp(&here, &there, here_size) == 0;
}

/// Zero once the socket can be written to; else what went wrong.
int await_connected(int fd, Clock::time_point deadline, const std::atomic<bool>& cancelled) {
  while (!cancelled) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0)
      return ETIMEDOUT;
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    const auto slice = std::min(left, poll_slice) + std::chrono::milliseconds(1);
    const int ready = ::poll(&waiting, 1, static_cast<int>(slice.count()));
    if (ready < 0 && errno != EINTR)
      return errno;
    if (ready <= 0)
      continue;
    int code = 0;
    socklen_t size = sizeof(code);
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
  }
  return ECANCELED;
}

int connect_to(int fd, const IpAddress& where, Clock::time_point deadline,
               const std::atomic<bool>& cancelled) {
  int code = ::connect(fd, where.get(), where.size) == 0 ? 0 : errno;
  if (code == EINPROGRESS || code == EINTR)
    code = await_connected(fd, deadline, cancelled);
  if (code == 0 && connected_to_itself(fd))
    return ECONNREFUSED;
  return code;
}

int bind_to(int fd, const IpAddress& where) {
  // Else a restarted node would wait a minute for the connections of its previous life.
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  return ::bind(fd, where.get(), where.size) == 0 ? 0 : errno;
}

std::string with_fault(const std::string& address, Scope scope) {
  return address + " " + std::string(fault_of(scope));
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0)
    ::close(fd_);
}

void set_connection_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms_max);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void shut_down(int fd) {
  ::shutdown(fd, SHUT_RDWR);
}

std::size_t send_at_once(int fd, std::span<const wire::Frame> frames) {
  constexpr std::size_t parts_max = 64;
  std::size_t sent = 0;
  if (frames.size()
      == 1) {  // Of a thousand clients each gets one, and the kernel has less to copy.
    const wire::Frame& frame = frames.front();
    const ssize_t taken = ::send(fd, frame->data(), frame->size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return taken > 0 ? static_cast<std::size_t>(taken) : 0;
  }
  while (!frames.empty()) {
    std::array<iovec, parts_max> parts{};
    const std::size_t count = std::min(frames.size(), parts_max);
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      // The kernel only reads, which its interface does not say.
      parts[i] = {.iov_base = const_cast<std::uint8_t*>(frames[i]->data()),
                  .iov_len = frames[i]->size()};
      wanted += frames[i]->size();
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t taken = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    sent += taken > 0 ? static_cast<std::size_t>(taken) : 0;
    if (taken != static_cast<ssize_t>(wanted))
      break;
    frames = frames.subspan(count);
  }
  return sent;
}

std::string refusal_to_listen(const std::string& address, Scope scope, Exposure allowed) {
  if (scope == Scope::multicast || scope == Scope::broadcast)
    return "listen: " + with_fault(address, scope);
  if (scope != Scope::loopback && allowed == Exposure::loopback)
    return "listen " + address
           + ": anyone who reaches it could read, change and stop everything; say --insecure if "
             "only friends can reach it";
  return {};
}

std::variant<Listening, std::string> listen_on(const std::string& address, Exposure allowed) {
  const std::string cannot = "cannot listen on " + address + ": ";
  std::optional<Address> wanted = parse_address(address);
  if (!wanted)
    return cannot + "not of the form host:port";
  const std::atomic<bool> never{false};
  const auto resolved =
      Resolver::of_system().resolve(wanted->host, Clock::now() + listen_resolve_timeout, never);
  if (const auto* error = std::get_if<std::string>(&resolved))
    return cannot + *error;
  int code = EADDRNOTAVAIL;
  for (const IpAddress& each : std::get<std::vector<IpAddress>>(resolved)) {
    Socket socket = open_socket(each);
    code = socket ? bind_to(socket.fd(), with_port(each, wanted->port)) : errno;
    const auto bound = code == 0 ? bound_address(socket.fd()) : std::nullopt;
    if (!bound)
      continue;
    const Scope scope = scope_of(*bound);
    if (std::string refusal = refusal_to_listen(address, scope, allowed); !refusal.empty())
      return refusal;
    code = ::listen(socket.fd(), backlog_max) == 0 ? 0 : errno;
    if (code != 0)
      continue;
    wanted->port = port_of(*bound);
    return Listening{std::move(socket), to_text(*wanted), scope};
  }
  return cannot + error_text(code);
}

std::variant<Socket, std::string> dial(const std::string& address, Duration timeout,
                                       const std::atomic<bool>& cancelled) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const std::optional<Address> wanted = parse_address(address);
  if (!wanted || wanted->port == 0)
    return std::string("not of the form host:port");
  const auto resolved = Resolver::of_system().resolve(wanted->host, deadline, cancelled);
  if (const auto* error = std::get_if<std::string>(&resolved))
    return *error;
  std::string problem = error_text(EADDRNOTAVAIL);
  for (const IpAddress& each : std::get<std::vector<IpAddress>>(resolved)) {
    if (const Scope scope = scope_of(each); !can_be_dialed(scope)) {
      problem = with_fault(address, scope);
      continue;
    }
    Socket socket = open_socket(each);
    const int code =
        socket ? connect_to(socket.fd(), with_port(each, wanted->port), deadline, cancelled)
               : errno;
    if (code == 0)
      return socket;
    problem = error_text(code);
  }
  return problem;
}

}  // namespace troupe::actors
