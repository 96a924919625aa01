#include "test/bench/raw_calls.hpp"

#include "actors/transport/socket.hpp"
#include "wire/packet.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <variant>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using troupe::actors::Socket;

constexpr std::size_t events_max = 512;
constexpr std::size_t read_bytes_max = std::size_t{64} << 10;
constexpr auto patience = std::chrono::seconds(10);
constexpr int patience_ms = 10'000;
/// Connections whose hello the node may not have read. It closes the oldest of more than 64.
constexpr std::size_t greeting_max = 32;

void send_without_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void watch(int epoll, int fd, std::size_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::runtime_error("cannot watch a socket");
}

/// What is still to come of the request under way, for each connection of the echo by its file.
class Echo {
public:
  Echo(int listener, FrameSizes sizes)
      : listener_(listener), sizes_(sizes), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(epoll_, listener, static_cast<std::size_t>(listener));
  }

  [[noreturn]] void run() {
    std::array<epoll_event, events_max> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), events_max, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = static_cast<int>(events[static_cast<std::size_t>(i)].data.u64);
        if (fd == listener_)
          accept_one();
        else
          answer(fd);
      }
    }
  }

private:
  void accept_one() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      return;
    send_without_delay(fd);
    came_.resize(std::max(came_.size(), static_cast<std::size_t>(fd) + 1));
    came_[static_cast<std::size_t>(fd)] = 0;
    watch(epoll_, fd, static_cast<std::size_t>(fd));
  }

  void answer(int fd) {
    const ssize_t count = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && errno == EAGAIN)
      return;
    if (count <= 0) {
      ::close(fd);
      return;
    }
    std::size_t& came = came_[static_cast<std::size_t>(fd)];
    came += static_cast<std::size_t>(count);
    for (; came >= sizes_.request_bytes; came -= sizes_.request_bytes)
      (void)::send(fd, reply_.data(), sizes_.reply_bytes, MSG_NOSIGNAL);
  }

  int listener_;
  FrameSizes sizes_;
  int epoll_;
  std::vector<std::size_t> came_{};
  std::vector<char> buffer_ = std::vector<char>(read_bytes_max);
  std::vector<char> reply_ = std::vector<char>(sizes_.reply_bytes);
};

}  // namespace

void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
    return;
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
}

EchoServer::EchoServer(FrameSizes sizes) {
  auto listening = troupe::actors::listen_on("127.0.0.1:0");
  if (const auto* wrong = std::get_if<std::string>(&listening))
    throw std::runtime_error(*wrong);
  auto& socket = std::get<troupe::actors::Listening>(listening);
  address_ = socket.address;
  child_ = ::fork();
  if (child_ != 0)
    return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Echo(socket.socket.fd(), sizes).run();
}

EchoServer::~EchoServer() {
  if (child_ <= 0)
    return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

struct RawCalls::Parts {
  struct Connection {
    Socket socket{};
    std::string came{};  ///< Of an answer that is not complete.
    Clock::time_point since{};
    bool is_waiting = false;  ///< For a hello or an answer.
  };

  explicit Parts(RawCallsOptions given)
      : options(std::move(given)), epoll(::epoll_create1(EPOLL_CLOEXEC)) {
    connections.resize(options.connections);
    const std::atomic<bool> cancelled{false};
    for (std::size_t i = 0; i < connections.size(); ++i) {
      auto dialed = troupe::actors::dial(options.address, patience, cancelled);
      if (const auto* wrong = std::get_if<std::string>(&dialed))
        throw std::runtime_error(*wrong);
      connections[i].socket = std::get<Socket>(std::move(dialed));
      send_without_delay(connections[i].socket.fd());
      watch(epoll.fd(), connections[i].socket.fd(), i);
      if (options.hello.empty())
        continue;
      send(connections[i], options.hello);
      if (waiting == greeting_max)
        await_places(i + 1);
    }
    if (waiting > 0)
      await_places(connections.size());
  }

  /// A node may say hello before it has heard ours. It has only once it answers.
  void await_places(std::size_t upto) {
    const std::size_t from = upto - waiting;
    await_all();
    for (std::size_t i = from; i < upto; ++i)
      send(connections[i], options.request);
    await_all();
  }

  void await_all() {
    while (waiting > 0)
      turn();
  }

  void send(Connection& connection, const std::vector<std::uint8_t>& frame) {
    if (!std::exchange(connection.is_waiting, true))
      ++waiting;
    const ssize_t sent =
        ::send(connection.socket.fd(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(frame.size()))
      throw std::runtime_error("a socket takes no call");
  }

  /// Reads what has come, and calls again.
  void turn() {
    const int count = ::epoll_wait(epoll.fd(), events.data(), events_max, patience_ms);
    if (count == 0)
      throw std::runtime_error("no answer in ten seconds");
    for (int i = 0; i < count; ++i)
      read(connections[events[static_cast<std::size_t>(i)].data.u64]);
  }

  void read(Connection& connection) {
    const ssize_t count =
        ::recv(connection.socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
      return;
    if (count <= 0)
      throw std::runtime_error("a connection was closed");
    std::span<const char> arrived(buffer.data(), static_cast<std::size_t>(count));
    if (!connection.came.empty()) {
      connection.came.append(arrived.begin(), arrived.end());
      arrived = connection.came;
    }
    const std::size_t whole = size_of_frame(arrived);
    if (whole == 0 || arrived.size() < whole) {
      if (connection.came.empty())
        connection.came.assign(arrived.begin(), arrived.end());
      return;
    }
    on_frame(connection, arrived.first(whole));
    connection.came.clear();
  }

  std::size_t size_of_frame(std::span<const char> arrived) const {
    if (options.echo_bytes > 0)
      return options.echo_bytes;
    std::uint32_t size = 0;
    if (arrived.size() < troupe::wire::frame_head_bytes)
      return 0;
    std::memcpy(&size, arrived.data(), sizeof size);
    return troupe::wire::frame_head_bytes + size;
  }

  void on_frame(Connection& connection, std::span<const char> frame) {
    connection.is_waiting = false;
    --waiting;
    if (!is_calling)
      return;
    if (options.echo_bytes == 0)
      look_at(frame);
    const auto now = Clock::now();
    if (now >= count_from) {
      times.add(static_cast<std::uint64_t>((now - connection.since).count()));
      last = now;
    }
    if (now < count_until)
      call(connection, now);
  }

  /// Decoding all would cost more than calling: answers of the usual size are looked at now and
  /// then.
  void look_at(std::span<const char> frame) {
    constexpr std::uint64_t every = 64;
    if (frame.size() == usual_bytes && ++unseen % every != 0)
      return;
    const auto body = frame.subspan(troupe::wire::frame_head_bytes);
    const auto packet =
        troupe::wire::decode(troupe::Bytes::copy_of(std::string_view(body.data(), body.size())));
    const auto* replies = packet ? std::get_if<troupe::wire::CallReplies>(&*packet) : nullptr;
    if (replies == nullptr || replies->replies.size() != 1)
      throw std::runtime_error("an answer that answers nothing");
    const auto refusal = replies->replies.front().refusal;
    if (refusal == troupe::Refusal::none || refusal == troupe::Refusal::resource)
      usual_bytes = frame.size();
    else
      ++failed;
  }

  void call(Connection& connection, Clock::time_point now) {
    connection.since = now;
    send(connection, options.request);
  }

  void run(double warm_up_seconds, double seconds) {
    const auto as_time = [](double s) {
      return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
    };
    times = {};
    count_from = Clock::now() + as_time(warm_up_seconds);
    count_until = count_from + as_time(seconds);
    last = count_from;
    is_calling = true;
    for (Connection& connection : connections)
      call(connection, Clock::now());
    await_all();
    is_calling = false;
  }

  RawCallsOptions options;
  Socket epoll;
  std::vector<Connection> connections{};
  std::array<epoll_event, events_max> events{};
  std::vector<char> buffer = std::vector<char>(read_bytes_max);
  std::size_t waiting = 0;
  bool is_calling = false;
  Clock::time_point count_from{};
  Clock::time_point count_until{};
  Clock::time_point last{};
  Histogram times{};
  std::uint64_t failed = 0;
  std::uint64_t unseen = 0;
  std::size_t usual_bytes = 0;
};

RawCalls::RawCalls(RawCallsOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

RawCalls::~RawCalls() = default;

Histogram RawCalls::run(double warm_up_seconds, double seconds) {
  parts_->run(warm_up_seconds, seconds);
  return parts_->times;
}

double RawCalls::seconds() const {
  return std::chrono::duration<double>(parts_->last - parts_->count_from).count();
}

std::uint64_t RawCalls::failed() const {
  return parts_->failed;
}

FrameSizes RawCalls::sizes() const {
  return {parts_->options.request.size(), parts_->usual_bytes};
}

}  // namespace bench
