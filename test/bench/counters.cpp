#include "test/bench/counters.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <thread>

namespace bench {
namespace {

Counters private_counters;
std::atomic<Counters*> counters{&private_counters};
std::atomic<std::chrono::microseconds> imitated_flush{};  ///< Zero: the kernel's own.

constexpr std::uint64_t page_bytes = 4096;

/// What is known of what was opened.
struct File {
  std::atomic<bool> is_open{false};         ///< By its name: no socket and no pipe.
  std::atomic<bool> is_synchronous{false};  ///< Each write is a flush.
};
constexpr int files_max = 4096;
File files[files_max];

File* file_of(int fd) {
  return fd >= 0 && fd < files_max ? &files[fd] : nullptr;
}

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
  if (File* file = file_of(fd)) {
    file->is_open = true;
    file->is_synchronous = (flags & (O_DSYNC | O_SYNC)) != 0;
  }
  return fd;
}

/// Where a write's place is not told, it begins a page.
void count_write(int fd, std::uint64_t size, std::uint64_t at = 0) {
  const File* file = file_of(fd);
  if (file == nullptr || !file->is_open.load(std::memory_order_relaxed))
    return;
  const std::uint64_t pages = (at % page_bytes + size + page_bytes - 1) / page_bytes;
  own_counters().bytes_written += pages * page_bytes;
  if (file->is_synchronous.load(std::memory_order_relaxed))
    ++own_counters().syncs;
}

int flush(long system_call, int fd) {
  ++own_counters().syncs;
  const auto imitated = imitated_flush.load(std::memory_order_relaxed);
  if (imitated == imitated.zero())
    return static_cast<int>(::syscall(system_call, fd));
  // Sleeps may be 50 microseconds longer than asked for, unless this is said.
  thread_local const int exact = ::prctl(PR_SET_TIMERSLACK, 1);
  if (exact == 0)
    std::this_thread::sleep_for(imitated);
  return exact;
}

std::uint64_t size_of(const iovec* parts, int count) {
  std::uint64_t size = 0;
  for (int i = 0; i < count; ++i)
    size += parts[i].iov_len;
  return size;
}

}  // namespace

Counters& own_counters() {
  return *counters.load(std::memory_order_relaxed);
}

void publish_counters(const std::string& path) {
  if (Counters* shared = map(path, O_RDWR | O_CREAT | O_TRUNC))
    counters = shared;
}

void imitate_flushes(std::chrono::microseconds duration) {
  imitated_flush = duration;
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
  return bench::flush(SYS_fdatasync, fd);
}

int fsync(int fd) {
  return bench::flush(SYS_fsync, fd);
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

int close(int fd) {
  if (bench::File* file = bench::file_of(fd))
    file->is_open = false;
  return static_cast<int>(::syscall(SYS_close, fd));
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  bench::count_write(fd, size);
  return ::syscall(SYS_write, fd, bytes, size);
}

ssize_t writev(int fd, const iovec* parts, int count) {
  bench::count_write(fd, bench::size_of(parts, count));
  return ::syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  bench::count_write(fd, size, static_cast<std::uint64_t>(at));
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off_t at) {
  return ::pwrite(fd, bytes, size, at);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  bench::count_write(fd, bench::size_of(parts, count), static_cast<std::uint64_t>(at));
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
