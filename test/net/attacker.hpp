#pragma once

/// A connection for those who speak the protocol well and mean harm, and what they do with it.

#include "wire/packet.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace troupe::attacker {

using Clock = std::chrono::steady_clock;

/// A connection that sends as fast as it may and reads whatever comes meanwhile.
class Connection {
public:
  explicit Connection(const std::string& to_address, const wire::Hello& hello = {})
      : address(to_address), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    closed_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0;
    send(*wire::encode(hello));
    wait(0);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::span<const std::uint8_t> bytes) {
    ++frames_;
    while (!bytes.empty() && !closed_) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
        sent_bytes_ += static_cast<std::uint64_t>(sent);
      } else if (errno != EAGAIN) {
        closed_ = true;
      }
      wait(bytes.empty() ? 0 : 100, POLLIN | POLLOUT);
      if (Clock::now() > end)
        return;
    }
  }

  /// Until the other side has answered so many calls and requests, or closes, or the time is over.
  void await(std::uint64_t answers) {
    while (answers_ < answers && !closed_ && Clock::now() < end)
      wait(100);
  }

  bool is_closed() const { return closed_; }
  std::uint64_t answers() const { return answers_; }
  const std::string address;
  std::map<std::string, std::uint64_t> told{};  ///< How often which refusal came.
  bool reads = true;                            ///< What the other side sends.
  Index last_index{};                           ///< Of the last reply.
  wire::Response last_response{};

  std::uint64_t frames_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  Clock::time_point end = Clock::time_point::max();

private:
  /// Reads what is there, waiting for it, or for the time to send, so many milliseconds.
  void wait(int milliseconds, short events = POLLIN) {
    if (!reads)
      events = POLLOUT;
    pollfd waiting{.fd = fd_, .events = events, .revents = 0};
    if (closed_ || ::poll(&waiting, 1, milliseconds) <= 0 || (waiting.revents & POLLOUT) != 0)
      if ((waiting.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
        return;
    if (!reads)
      return;
    static std::array<char, std::size_t{1} << 18> buffer;
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN))
      closed_ = true;
    if (count <= 0)
      return;
    received_bytes_ += static_cast<std::uint64_t>(count);
    std::vector<Bytes> bodies;
    if (cutter_.take({buffer.data(), static_cast<std::size_t>(count)}, bodies))
      closed_ = true;
    for (const Bytes& body : bodies)
      note(body);
  }

  void note(const Bytes& body) {
    const auto packet = wire::decode(body);
    if (!packet)
      return;
    if (const auto* replies = std::get_if<wire::CallReplies>(&*packet)) {
      for (const wire::CallReply& reply : replies->replies) {
        note(reply.refusal, reply.detail);
        last_index = reply.index;
      }
    } else if (const auto* response = std::get_if<wire::Response>(&*packet)) {
      note(response->refusal, response->detail);
      last_response = *response;
    }
  }

  void note(Refusal refusal, const std::string& detail) {
    ++answers_;
    if (refusal == Refusal::none)
      return void(++told["ok"]);
    const bool of_interest = refusal == Refusal::invalid || refusal == Refusal::resource;
    ++told[std::string(name(refusal)) + (of_interest ? " " + detail : "")];
  }

  int fd_;
  bool closed_ = false;
  std::uint64_t answers_ = 0;
  wire::FrameCutter cutter_{};
};

using Attack = void (*)(Connection&, const std::string& peer);
using Attacks = std::map<std::string, Attack>;

/// Of many connections, and of what is said before a call.
const Attacks& connection_attacks();

/// A query or command for the peer, without any call yet.
wire::Calls calls_for(const std::string& peer, wire::CallKind kind);

}  // namespace troupe::attacker
