#include "actors/transport/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace troupe::actors {
namespace {

/// Without a file to accept with there is nothing to wait for but time.
constexpr int pause_ms = 100;

bool is_shortage(int code) {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

/// What ends a connection that was not accepted yet, and says nothing about the next one.
bool is_passing(int code) {
  return code == EAGAIN || code == EWOULDBLOCK || code == EINTR || code == ECONNABORTED
         || code == EPROTO || code == EPERM || code == ENETDOWN || code == EHOSTUNREACH
         || code == ENETUNREACH;
}

}  // namespace

std::string source_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size()) ? text.data() : "";
  }
  if (address.ss_family != AF_INET6)
    return {};
  in6_addr v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    in_addr v4{};
    std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
    return ::inet_ntop(AF_INET, &v4, text.data(), text.size()) ? text.data() : "";
  }
  std::fill(&v6.s6_addr[8], &v6.s6_addr[16], std::uint8_t{0});
  return ::inet_ntop(AF_INET6, &v6, text.data(), text.size()) ? text.data() : "";
}

Listener::Listener(caf::actor_config& config, SharedSocket socket, caf::actor reports_to,
                   std::shared_ptr<ConnectionSlots> slots)
    : caf::event_based_actor(config),
      socket_(std::move(socket)),
      requester_(std::move(reports_to)),
      slots_(std::move(slots)) {}

caf::behavior Listener::make_behavior() {
  bool paused = false;
  for (;;) {
    Outcome outcome = accept_one();
    const bool short_of_files = outcome == Outcome::no_files;
    if (short_of_files && !std::exchange(paused, true))
      actors::send(this, requester_, AcceptingPaused{why_});
    if (outcome == Outcome::accepted && std::exchange(paused, false))
      actors::send(this, requester_, AcceptingResumed{});
    if (short_of_files)
      outcome = wait(0, pause_ms) ? Outcome::over : outcome;
    else if (outcome == Outcome::nothing)
      (void)wait(POLLIN, -1);
    if (outcome == Outcome::over)
      break;
  }
  socket_.reset();
  requester_ = {};
  slots_.reset();
  return {};  // Without a behavior an actor ends.
}

Listener::Outcome Listener::accept_one() {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const int fd = ::accept4(socket_->fd(), reinterpret_cast<sockaddr*>(&from), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    auto socket = std::make_shared<Socket>(fd);
    std::string source = source_of(from);
    if (slots_)
      slots_->await_place(source, clock().now());
    actors::send(this, requester_, Accepted{std::move(socket), std::move(source)});
    return Outcome::accepted;
  }
  const int code = errno;
  if (is_passing(code))
    return Outcome::nothing;
  why_ = std::generic_category().message(code);
  return is_shortage(code) ? Outcome::no_files : Outcome::over;
}

/// True if the socket has what is waited for, or was shut down.
bool Listener::wait(short events, int timeout_ms) {
  pollfd waiting{.fd = socket_->fd(), .events = events, .revents = 0};
  return ::poll(&waiting, 1, timeout_ms) > 0;
}

}  // namespace troupe::actors
