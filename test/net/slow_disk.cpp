/// Preloaded into a process, makes its disk stall: no sync ends while the file that
/// TROUPE_STALL_FILE names exists. What was written meanwhile is in the page cache, as on a disk
/// whose queue is stuck.

#include <dlfcn.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

constexpr long poll_nanoseconds = 2'000'000;

void wait_while_stalled() {
  const char* file = std::getenv("TROUPE_STALL_FILE");
  while (file != nullptr && access(file, F_OK) == 0) {
    const timespec pause{.tv_sec = 0, .tv_nsec = poll_nanoseconds};
    nanosleep(&pause, nullptr);
  }
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto sync = real<int (*)(int)>("fsync");
  wait_while_stalled();
  return sync(fd);
}

int fdatasync(int fd) {
  static const auto sync = real<int (*)(int)>("fdatasync");
  wait_while_stalled();
  return sync(fd);
}

int msync(void* address, size_t length, int flags) {
  static const auto sync = real<int (*)(void*, size_t, int)>("msync");
  wait_while_stalled();
  return sync(address, length, flags);
}

}  // extern "C"
