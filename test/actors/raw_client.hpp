#pragma once

#include "actors/transport/socket.hpp"
#include "wire/packet.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace troupe::actors::test {

/// Someone on the other side of a socket who need not keep to any protocol.
class RawClient {
public:
  explicit RawClient(const std::string& address) {
    const std::atomic<bool> cancelled{false};
    auto dialed = dial(address, std::chrono::seconds(5), cancelled);
    REQUIRE(std::holds_alternative<Socket>(dialed));
    socket_ = std::get<Socket>(std::move(dialed));
  }
  explicit RawClient(Socket socket) : socket_(std::move(socket)) {}

  void write(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      wait(POLLOUT);
      const ssize_t sent = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0)
        return;  // Closed meanwhile: for the reader to find out.
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }
  void write(const wire::Packet& packet) { write(*wire::encode(packet)); }
  void write(std::string_view text) {
    write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  /// The next packet; nothing once the connection is closed.
  std::optional<wire::Packet> read() {
    while (bodies_.empty()) {
      std::array<char, 4096> buffer{};
      wait(POLLIN);
      const ssize_t count = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
      if (count <= 0)
        return std::nullopt;
      const auto arrived = std::span(buffer).first(static_cast<std::size_t>(count));
      REQUIRE(!cutter_.take(arrived, bodies_));
    }
    auto packet = wire::decode(bodies_.front());
    bodies_.erase(bodies_.begin());
    REQUIRE(packet);
    return *std::move(packet);
  }

  /// Whether the other side closes, whatever it says before.
  bool is_closed() {
    while (read()) {}
    return true;
  }

  int fd() const { return socket_.fd(); }

private:
  void wait(short events) {
    pollfd waiting{.fd = socket_.fd(), .events = events, .revents = 0};
    REQUIRE(::poll(&waiting, 1, 20000) == 1);
  }

  Socket socket_{};
  wire::FrameCutter cutter_{};
  std::vector<Bytes> bodies_{};
};

}  // namespace troupe::actors::test
