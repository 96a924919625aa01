#include "test/bench/floors.hpp"

#include "test/bench/histogram.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using Message = std::array<char, 256>;

constexpr auto measured = std::chrono::milliseconds(200);
constexpr std::size_t file_bytes = std::size_t{1} << 20;

/// The median in microseconds of how long `task` takes, over and over.
template <class Task>
double median_us(const Task& task) {
  Histogram histogram;
  task();
  for (const auto end = Clock::now() + measured; Clock::now() < end;) {
    const auto start = Clock::now();
    task();
    histogram.add(static_cast<std::uint64_t>((Clock::now() - start).count()));
  }
  return static_cast<double>(histogram.quantile(0.5)) / 1000;
}

/// A file whose blocks exist, and some bytes that are written and synced over and over.
class SyncedFile {
public:
  SyncedFile(const std::string& directory, const std::string& name)
      : path_(directory + "/" + name),
        fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    const std::vector<char> zeros(file_bytes);
    good_ = fd_ >= 0 && ::write(fd_, zeros.data(), zeros.size()) == static_cast<ssize_t>(file_bytes)
            && ::fsync(fd_) == 0;
  }
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;
  ~SyncedFile() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }

  void write() {
    const Message message{};
    good_ = good_ && ::pwrite(fd_, message.data(), message.size(), static_cast<off_t>(at_)) > 0
            && ::fdatasync(fd_) == 0;
    at_ = (at_ + message.size()) % file_bytes;
  }
  void check() const {
    if (!good_)
      throw std::runtime_error("cannot write to " + path_);
  }

private:
  std::string path_;
  int fd_;
  bool good_ = false;
  std::size_t at_ = 0;
};

double measure_fdatasync(const std::string& directory) {
  SyncedFile file(directory, "floor");
  const double us = median_us([&] { file.write(); });
  file.check();
  return us;
}

/// Three write at the same time, as three nodes of one machine do: until two of them are durable.
double measure_fdatasync_of_three(const std::string& directory) {
  std::array files{SyncedFile(directory, "floor1"), SyncedFile(directory, "floor2"),
                   SyncedFile(directory, "floor3")};
  std::array<Clock::time_point, files.size()> done{};
  std::barrier together(static_cast<std::ptrdiff_t>(files.size()) + 1);
  std::atomic<bool> over = false;
  std::vector<std::jthread> writers;
  for (std::size_t i = 0; i < files.size(); ++i)
    writers.emplace_back([&, i] {
      for (together.arrive_and_wait(); !over; together.arrive_and_wait()) {
        files[i].write();
        done[i] = Clock::now();
        together.arrive_and_wait();
      }
    });
  Histogram histogram;
  for (const auto end = Clock::now() + measured; Clock::now() < end;) {
    const auto start = Clock::now();
    together.arrive_and_wait();
    together.arrive_and_wait();
    auto in_order = done;
    std::ranges::sort(in_order);
    histogram.add(static_cast<std::uint64_t>((in_order[1] - start).count()));
  }
  over = true;
  together.arrive_and_wait();
  writers.clear();
  for (const SyncedFile& file : files)
    file.check();
  return static_cast<double>(histogram.quantile(0.5)) / 1000;
}

bool receive_all(int fd, Message& message) {
  for (std::size_t got = 0; got < message.size();) {
    const ssize_t more = ::recv(fd, message.data() + got, message.size() - got, 0);
    if (more <= 0)
      return false;
    got += static_cast<std::size_t>(more);
  }
  return true;
}

bool send_all(int fd, const Message& message) {
  return ::send(fd, message.data(), message.size(), MSG_NOSIGNAL)
         == static_cast<ssize_t>(message.size());
}

/// In a process of its own, until the other side goes.
[[noreturn]] void echo(int listener) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int fd = ::accept(listener, nullptr, nullptr);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Message message{};
  while (receive_all(fd, message) && send_all(fd, message)) {}
  ::_exit(0);
}

double measure_rtt() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, at, size) != 0 || ::listen(listener, 1) != 0
      || ::getsockname(listener, at, &size) != 0)
    throw std::runtime_error("cannot listen on loopback");
  const pid_t child = ::fork();
  if (child == 0)
    echo(listener);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bool good = ::connect(fd, at, size) == 0;
  Message message{};
  const double us =
      median_us([&] { good = good && send_all(fd, message) && receive_all(fd, message); });
  ::close(fd);
  ::close(listener);
  ::waitpid(child, nullptr, 0);
  if (!good)
    throw std::runtime_error("cannot talk over loopback");
  return us;
}

}  // namespace

Floors measure_floors(const std::string& directory) {
  return {.fdatasync_us = measure_fdatasync(directory),
          .fdatasync_of_three_us = measure_fdatasync_of_three(directory),
          .rtt_us = measure_rtt()};
}

}  // namespace bench
