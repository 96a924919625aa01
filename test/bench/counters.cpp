#include "test/bench/counters.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>

namespace bench {
namespace {

Counters private_counters;
std::atomic<Counters*> counters{&private_counters};

/// Which files were opened so that each write is a flush.
constexpr int files_max = 4096;
std::atomic<bool> is_synchronous[files_max];

Counters* map(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0)
    return nullptr;
  void* at = MAP_FAILED;
  if ((flags & O_CREAT) == 0 || ::ftruncate(fd, sizeof(Counters)) == 0)
    at = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? nullptr : static_cast<Counters*>(at);
}

int open_and_remember(const char* path, int flags, va_list rest) {
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  const int fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (fd >= 0 && fd < files_max)
    is_synchronous[fd] = (flags & (O_DSYNC | O_SYNC)) != 0;
  return fd;
}

void count_write(int fd) {
  if (fd >= 0 && fd < files_max && is_synchronous[fd].load(std::memory_order_relaxed))
    ++own_counters().syncs;
}

}  // namespace

Counters& own_counters() {
  return *counters.load(std::memory_order_relaxed);
}

void publish_counters(const std::string& path) {
  if (Counters* shared = map(path, O_RDWR | O_CREAT | O_TRUNC))
    counters = shared;
}

PublishedCounters::PublishedCounters(const std::string& path) : counters_(map(path, O_RDWR)) {}

PublishedCounters::~PublishedCounters() {
  if (counters_ != nullptr)
    ::munmap(counters_, sizeof(Counters));
}

}  // namespace bench

// What the libraries call. Each does what it says, and is counted.
extern "C" {

int fdatasync(int fd) {
  ++bench::own_counters().syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
  ++bench::own_counters().syncs;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int msync(void* address, std::size_t length, int flags) {
  bench::own_counters().syncs += (flags & MS_SYNC) != 0 ? 1 : 0;
  return static_cast<int>(::syscall(SYS_msync, address, length, flags));
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int fd = bench::open_and_remember(path, flags, rest);
  va_end(rest);
  return fd;
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int fd = bench::open_and_remember(path, flags, rest);
  va_end(rest);
  return fd;
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  bench::count_write(fd);
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off_t at) {
  return ::pwrite(fd, bytes, size, at);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  bench::count_write(fd);
  // The kernel takes the offset in two halves.
  return ::syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off_t at) {
  return ::pwritev(fd, parts, count, at);
}

ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  ++bench::own_counters().messages;
  return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  ++bench::own_counters().messages;
  return ::syscall(SYS_sendmsg, fd, message, flags);
}

}  // extern "C"
