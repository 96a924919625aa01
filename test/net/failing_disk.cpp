/// Preloaded into a process, makes its disk fail: while the file that TROUPE_FAIL_FILE names
/// exists, the call that it names fails with the error that it names. "fdatasync EIO",
/// "pwrite EIO", "fallocate ENOSPC"; with "once" behind it only the next one, as Linux has it: what
/// a sync failed to write counts as clean from then on, and the sync after it is a success.

#include <dlfcn.h>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int number_of(std::string_view error) {
  return error.starts_with("ENOSPC") ? ENOSPC : EIO;
}

/// The error that `call` is to fail with, 0 if it is not.
int failure_of(std::string_view call) {
  const char* file = std::getenv("TROUPE_FAIL_FILE");
  if (file == nullptr || access(file, F_OK) != 0)
    return 0;
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  char text[64] = {};
  const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
  if (fd >= 0)
    close(fd);
  std::string_view order(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  if (!order.starts_with(call) || order.substr(call.size(), 1) != " ")
    return 0;
  order.remove_prefix(call.size() + 1);
  if (order.find("once") != std::string_view::npos && unlink(file) != 0)
    return 0;
  return number_of(order);
}

bool fails(std::string_view call) {
  const int error = failure_of(call);
  if (error != 0)
    errno = error;
  return error != 0;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto sync = real<int (*)(int)>("fsync");
  return fails("fsync") ? -1 : sync(fd);
}

int fdatasync(int fd) {
  static const auto sync = real<int (*)(int)>("fdatasync");
  return fails("fdatasync") ? -1 : sync(fd);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  static const auto write = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return fails("pwrite") ? -1 : write(fd, data, bytes, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  return pwrite(fd, data, bytes, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  static const auto allocate = real<int (*)(int, int, off_t, off_t)>("fallocate");
  return fails("fallocate") ? -1 : allocate(fd, mode, offset, bytes);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
  return fallocate(fd, mode, offset, bytes);
}

}  // extern "C"
