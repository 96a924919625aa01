#include "test/storage/faults.hpp"

#include <dlfcn.h>

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

namespace faults = troupe::storage::faults;

namespace {

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_directory(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

std::string path_of(int fd) {
  std::string path(PATH_MAX, '\0');
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return path;
}

}  // namespace

extern "C" int fsync(int fd) {
  static const auto sync = real<int (*)(int)>("fsync");
  if (!is_directory(fd))
    return sync(fd);
  if (faults::sync_of_directories == faults::Sync::killed)
    ::raise(SIGKILL);
  if (faults::sync_of_directories == faults::Sync::failed) {
    errno = EIO;
    return -1;
  }
  faults::synced.insert(path_of(fd));
  return sync(fd);
}

extern "C" int pthread_create(pthread_t* to, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* with) noexcept {
  using Call = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = real<Call>("pthread_create");
  return faults::no_threads ? EAGAIN : create(to, attributes, run, with);
}
