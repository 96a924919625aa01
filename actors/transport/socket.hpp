#pragma once

#include "actors/runtime/address.hpp"
#include "actors/runtime/ip_address.hpp"
#include "core/types.hpp"
#include "wire/frame.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace troupe::actors {

/// Owns a file descriptor until someone takes it.
class Socket {
public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

/// A socket on its way in a message, which CAF wants to be able to copy.
using SharedSocket = std::shared_ptr<Socket>;

/// Has the kernel send small frames at once, and end the connection when the other machine is
/// silent: five seconds with unacknowledged bytes, about eight without.
void set_connection_options(int fd);

/// Ends both directions at once. The multiplexer sees the socket end, whether the other side
/// reads, closes or does neither.
void shut_down(int fd);

/// Gives the kernel as much of `frames` as it takes without waiting. Returns how many bytes; also
/// where the connection is broken: the next write reports that.
std::size_t send_at_once(int fd, std::span<const wire::Frame> frames);

/// A socket that listens, and the address it got.
struct Listening {
  Socket socket{};
  std::string address{};          ///< As asked for, with the port that was taken.
  Scope scope = Scope::loopback;  ///< Of the address that the socket is bound to.
};

/// From where a socket that listens may be reached.
enum class Exposure : std::uint8_t {
  loopback,  ///< From this machine alone.
  anywhere,
};

/// What forbids to listen on `address`, a text that stands for `scope`; empty if nothing does.
std::string refusal_to_listen(const std::string& address, Scope scope, Exposure allowed);

/// Binds, judges the address that the socket got, and listens. A name is looked up for at most five
/// seconds. The error names the address and says what is wrong with it.
std::variant<Listening, std::string> listen_on(const std::string& address,
                                               Exposure allowed = Exposure::loopback);

/// Connects within `timeout`, or until `cancelled` is set (seen within 50 ms). Blocks. Looks names
/// up meanwhile, within the same time. An address that is none of one machine, such as 0.0.0.0, is
/// not dialed, however it is spelt and whatever name leads to it. The error says what is wrong.
std::variant<Socket, std::string> dial(const std::string& address, Duration timeout,
                                       const std::atomic<bool>& cancelled);

}  // namespace troupe::actors
