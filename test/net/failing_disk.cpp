/// Preloaded into a process, makes its disk fail: while the file that TROUPE_FAIL_FILE names
/// exists, the call that it names fails with the error that it names: "fdatasync EIO",
/// "pwrite EIO", "fallocate ENOSPC". With "once" behind it only the next one, as Linux has it: what
/// a sync failed to write counts as clean from then on, and the sync after it is a success. With
/// "of FILE" at the end only in a file of that name.

#include <dlfcn.h>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int number_of(std::string_view error) {
  return error.starts_with("ENOSPC") ? ENOSPC : EIO;
}

/// What `read_some(buffer, bytes)` reads, if it does.
template <class Read>
std::string text_of(Read read_some) {
  std::string text(PATH_MAX, '\0');
  const ssize_t size = read_some(text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::string read_order(const char* file) {
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {};
  std::string order = text_of([fd](char* to, std::size_t bytes) { return read(fd, to, bytes); });
  close(fd);
  return order;
}

bool is_of(int fd, std::string_view name) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const std::string path =
      text_of([&link](char* to, std::size_t bytes) { return readlink(link.c_str(), to, bytes); });
  return path.substr(path.rfind('/') + 1) == name;
}

/// The error that `call` on `fd` is to fail with, 0 if it is not.
int failure_of(std::string_view call, int fd) {
  const char* file = std::getenv("TROUPE_FAIL_FILE");
  if (file == nullptr || access(file, F_OK) != 0)
    return 0;
  const std::string text = read_order(file);
  std::string_view order = text;
  if (!order.starts_with(call) || order.substr(call.size(), 1) != " ")
    return 0;
  order.remove_prefix(call.size() + 1);
  constexpr std::string_view of = " of ";
  const std::size_t at = order.find(of);
  if (at != std::string_view::npos && !is_of(fd, order.substr(at + of.size())))
    return 0;
  if (order.find(" once") != std::string_view::npos && unlink(file) != 0)
    return 0;
  return number_of(order);
}

bool fails(std::string_view call, int fd) {
  const int error = failure_of(call, fd);
  if (error != 0)
    errno = error;
  return error != 0;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto sync = real<int (*)(int)>("fsync");
  return fails("fsync", fd) ? -1 : sync(fd);
}

int fdatasync(int fd) {
  static const auto sync = real<int (*)(int)>("fdatasync");
  return fails("fdatasync", fd) ? -1 : sync(fd);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  static const auto write = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return fails("pwrite", fd) ? -1 : write(fd, data, bytes, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  return pwrite(fd, data, bytes, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  static const auto allocate = real<int (*)(int, int, off_t, off_t)>("fallocate");
  return fails("fallocate", fd) ? -1 : allocate(fd, mode, offset, bytes);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
  return fallocate(fd, mode, offset, bytes);
}

}  // extern "C"
